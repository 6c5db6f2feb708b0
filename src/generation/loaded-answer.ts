import type { ChatTemplate, Tokenizer } from '../engine/port.js';
import { UsageError } from '../errors.js';
import type { ChatMessage } from '../templates/messages.js';
import { withoutCutCharacter } from '../text/begun-text.js';
import { TextStream, textOf } from '../text/text-stream.js';
import type { TokenId } from '../types.js';
import { NO_STEPS } from './counters.js';
import type { GenerationResult } from './events.js';

const WHY = 'the chat template writes answers in another way than the model does';

/** What is said of an answer that cannot go on: in a conversation, and of messages that end with it. */
const REFUSALS = {
  conversation: `There is nothing to continue: the last answer was not written here, and ${WHY}; ask for the rest instead`,
  messages: `The answer that the messages end with cannot go on: ${WHY}; end them with a user's message that asks for the rest`,
};

/**
 * Returns an answer that was not written here, in the tokens by which the template writes it, so that it can go on. Nobody
 * knows how it ended: it counts as cut off.
 * @param turns up to its question, whose tokens are the prompt
 * @throws UsageError where the template writes answers otherwise than the model would write them, or without an end
 */
export async function loadedAnswer(
  template: ChatTemplate,
  tokenizer: Tokenizer,
  turns: readonly ChatMessage[],
  answer: ChatMessage,
  asked: keyof typeof REFUSALS,
): Promise<{ promptTokens: readonly TokenId[]; answer: GenerationResult }> {
  const { tokens: prompt } = await template.encode(turns);
  const { tokens: all } = await template.encode([
    ...turns,
    { ...answer, content: withoutCutCharacter(answer.content) },
  ]);
  const behind = all.slice(prompt.length);
  const end = behind.findIndex(
    (token) => tokenizer.isEndOfGeneration(token) || template.endTokens.has(token),
  );
  if (end < 0 || prompt.some((token, i) => token !== all[i])) throw new UsageError(REFUSALS[asked]);
  const tokens = behind.slice(0, end);
  const stream = new TextStream(tokenizer, prompt, [], { reasoning: template.reasoning });
  for (const token of tokens) stream.add(token);
  const pieces = [...stream.take(0), ...stream.end()];
  const reasoning = textOf(pieces.filter(({ isReasoning }) => isReasoning));
  const written: GenerationResult = {
    text: textOf(pieces),
    reasoning: reasoning === '' ? null : reasoning,
    tokens,
    finishReason: 'length',
    grammarComplete: null,
    counters: NO_STEPS,
    quality: null,
    repetition: null,
    drift: null,
    cacheCheck: null,
    prefillMs: 0,
    firstTokenMs: null,
    evaluated: { target: 0, draft: 0 },
  };
  return { promptTokens: prompt, answer: written };
}
