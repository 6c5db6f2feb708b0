import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GrammarState } from '../../src/engine/port.js';
import { Conversation } from '../../src/generation/conversation.js';
import { loadPair, type Pair } from '../../src/models/pair.js';
import type { ChatMessage } from '../../src/templates/messages.js';
import { answerOf } from '../../src/text/reasoning.js';
import { ReasoningFirst } from '../../src/text/reasoning-first.js';
import { run } from '../generation/generate-run.js';
import { chatPair, OPENING_CHATML } from '../support/chat-models.js';
import { ENGINES, KINDS } from '../support/representatives.js';
import { firstOf } from '../support/tries.js';

/** A model that ends its reasoning where others put a full stop. */
const SENTENCES = { 256: '<unused>', 1985: '</think>' };
const PROMPT = { messages: [{ role: 'user', content: 'Tell me a story.' }] } as const;
const SCHEMA = { type: 'object', properties: { name: { type: 'string', maxLength: 9 } } };

/** Beginnings of an answer, by where they end. */
const CUTS: readonly (readonly [where: string, cut: Pick<ChatMessage, 'content' | 'reasoning'>])[] = [
  ['within the reasoning', { content: '<think>\nThere was a' }],
  ['within blank space of the reasoning', { content: '<think>\nThere was a ' }],
  ['where the reasoning begins', { content: '<think>\n' }],
  ['where it ends', { content: '<think>\nThere was a cat</think>' }],
  ['behind its end', { content: '<think>\nThere was a cat</think>\n\n' }],
  ['within the answer', { content: '<think>\nThere was a cat</think>\n\n{"name"' }],
  ['within the answer behind reasoning of its own', { content: '{"name"', reasoning: 'There was a cat' }],
  ['within the first words of the answer', { content: '{', reasoning: 'There was a cat' }],
];

/** A grammar that knows only that it begins. */
const ANSWER: GrammarState = { isComplete: false, allows: () => true, after: () => ANSWER };
const PIECES = ['</', 'think', '>', '>\n', '>{', ' so ', '<end>'];
const END = PIECES.indexOf('<end>');

describe('a mark of several tokens', () => {
  const tokenizer = { decode: ([token]: readonly number[]) => PIECES[token!]! };
  const waiting = { answer: ANSWER, mark: '</think>', isEnd: (token: number) => token === END, tokenizer };
  const reasoned = (...pieces: string[]) =>
    pieces.reduce(
      (state, piece) => state.after(PIECES.indexOf(piece)),
      new ReasoningFirst(waiting) as GrammarState,
    );

  it.each(['>', '>\n'])('ends the reasoning with %j', (last) => {
    const state = reasoned(' so ', '</', 'think');
    expect(state.allows(PIECES.indexOf(last))).toBe(true);
    expect(state.after(PIECES.indexOf(last))).toBe(ANSWER);
  });

  it('allows no token that ends it and begins the answer, which no grammar would see', () => {
    expect(reasoned('</', 'think').allows(PIECES.indexOf('>{'))).toBe(false);
    expect(reasoned('</', 'think', ' so ').allows(PIECES.indexOf('>{'))).toBe(true);
    expect(reasoned().allows(END)).toBe(false);
  });
});

describe.each(ENGINES)('a grammar behind reasoning that the template opens, %s', (engine) => {
  let folder: string;
  let pair: Pair;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mtad-reasoning-'));
    const files = await chatPair(folder, { template: OPENING_CHATML, tokens: SENTENCES });
    pair = await loadPair({ ...files, engine, gpu: 'off' });
  });
  afterAll(async () => {
    await pair?.dispose();
    await rm(folder, { recursive: true });
  });

  it.each(KINDS)('%s: reasons freely, then obeys it', async (strategy) => {
    const settings = { strategy, grammar: { jsonSchema: SCHEMA }, seed: 1, maxTokens: 200 };
    const result = await run(pair, settings, { prompt: PROMPT });
    expect(result.reasoning).toMatch(/\w+ \w+[\s\S]*<\/think>$/);
    expect(JSON.parse(answerOf(result))).toEqual({ name: expect.any(String) });
    expect(result).toMatchObject({ finishReason: 'eos', grammarComplete: true });
  });

  it.each(firstOf(3, CUTS))('goes on with an answer that was cut %s', async (_, cut) => {
    const messages = [...PROMPT.messages, { role: 'assistant', ...cut }] as const;
    const settings = { grammar: { jsonSchema: SCHEMA }, seed: 1, maxTokens: 200 };
    const { text, finishReason, grammarComplete, reasoning } = await run(pair, settings, {
      prompt: { messages },
    });
    const whole = (cut.reasoning === undefined ? '' : '</think>') + cut.content + text;
    expect(JSON.parse(whole.split('</think>').at(-1)!)).toEqual({ name: expect.any(String) });
    expect({ finishReason, grammarComplete }).toEqual({ finishReason: 'eos', grammarComplete: true });
    expect(answerOf({ text, reasoning })).toBe(text.split('</think>').at(-1));
  });

  it('a conversation keeps no question whose answer never began', async () => {
    const conversation = await Conversation.open(pair, { maxTokens: 3, seed: 1 }, { contextSize: 256 });
    for await (const event of conversation.ask('Tell me a story.'))
      if (event.type === 'end') expect(event.result).toMatchObject({ reasoning: expect.stringMatching(/./) });
    expect(conversation.messages).toEqual([]);
    await conversation.dispose();
  });

  it('is not complete as long as the model reasons', async () => {
    const settings = { grammar: { gbnf: 'root ::= "Yes"?' }, maxTokens: 3 };
    expect(await run(pair, settings, { prompt: PROMPT })).toMatchObject({
      finishReason: 'length',
      grammarComplete: false,
    });
  });
});
