import type { FinishReason } from '../types.js';

/** A piece of an answer, or all of it. */
export interface Part {
  readonly text: string;
  /** The reasoning without its marks; '': none. */
  readonly reasoning: string;
  readonly tokens: readonly TokenFact[] | undefined;
}

/** A token of an answer, for requests that ask for log-probabilities. */
export interface TokenFact {
  readonly token: string;
  /** Natural log of its probability under the target, at temperature 1 and without truncation. */
  readonly logprob: number;
}

/** The form of the answers of an endpoint. */
export interface AnswerShape {
  readonly prefix: string;
  readonly object: string;
  readonly chunkObject: string;
  /** The `choices` entry of a whole answer. */
  whole(index: number, part: Part, finish: string): object;
  /** The first event of a stream; undefined: none. */
  readonly opening?: (index: number) => object;
  /** The `choices` entry of an event; `finish` is null, except in the last one. */
  piece(index: number, part: Part, finish: string | null): object;
}

/** Returns OpenAI's word for the reason why a text ended. */
export function finishOf(reason: FinishReason): string {
  return reason === 'length' || reason === 'context' ? 'length' : 'stop';
}

function chatTokens(tokens: Part['tokens']) {
  if (!tokens) return null;
  return {
    content: tokens.map((fact) => ({ ...fact, bytes: [...Buffer.from(fact.token)], top_logprobs: [] })),
  };
}

/** `/v1/chat/completions` */
export const CHAT: AnswerShape = {
  prefix: 'chatcmpl',
  object: 'chat.completion',
  chunkObject: 'chat.completion.chunk',
  whole: (index, { text, reasoning, tokens }, finish) => ({
    index,
    message: {
      role: 'assistant',
      content: text,
      refusal: null,
      ...(reasoning !== '' && { reasoning_content: reasoning }),
    },
    logprobs: chatTokens(tokens),
    finish_reason: finish,
  }),
  opening: (index) => ({
    index,
    delta: { role: 'assistant', content: '' },
    logprobs: null,
    finish_reason: null,
  }),
  piece: (index, { text, reasoning, tokens }, finish) => ({
    index,
    delta: {
      ...(text !== '' && { content: text }),
      ...(reasoning !== '' && { reasoning_content: reasoning }),
    },
    logprobs: chatTokens(tokens),
    finish_reason: finish,
  }),
};

function completionChoice(index: number, { text, reasoning, tokens }: Part, finish: string | null): object {
  return {
    index,
    text: reasoning + text,
    logprobs: tokens
      ? {
          tokens: tokens.map(({ token }) => token),
          token_logprobs: tokens.map(({ logprob }) => logprob),
          top_logprobs: null,
        }
      : null,
    finish_reason: finish,
  };
}

/** `/v1/completions` */
export const COMPLETION: AnswerShape = {
  prefix: 'cmpl',
  object: 'text_completion',
  chunkObject: 'text_completion',
  whole: completionChoice,
  piece: completionChoice,
};
