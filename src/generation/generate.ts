import type { ChatTemplate } from '../engine/port.js';
import { UsageError } from '../errors.js';
import type { Pair } from '../models/pair.js';
import type { ChatMessage } from '../templates/messages.js';
import { withoutCutCharacter } from '../text/begun-text.js';
import type { TokenId } from '../types.js';
import { contextSizeFor, contextSizeOf, refuseLongPrompt, refuseLongTexts } from './context-size.js';
import { modelsOf, withDraftSource } from './draft-source.js';
import type { GenerationEvent } from './events.js';
import type { BegunAnswer } from './grammar-start.js';
import { loadedAnswer } from './loaded-answer.js';
import { parseSettings } from './parse-settings.js';
import { requireChatTemplate } from './require-chat-template.js';
import { checkRunOptions, type RunOptions } from './run-options.js';
import { Session } from './session.js';
import { cacheShape, partsOf } from './session-parts.js';
import type { Settings, SettingsInput } from './settings.js';
import { SharedCaches } from './shared-caches.js';

/**
 * A text to continue, or a conversation for the model's chat template. An assistant's message at its end is the beginning of the
 * answer, which is continued.
 */
export type Prompt = string | { readonly messages: readonly ChatMessage[] };

/**
 * Continues a prompt. The events are 'start', 'prefill' while the prompt is evaluated, 'step' and 'text' in turn, and 'end'.
 * @throws UsageError for wrong settings, an empty prompt, messages for a model without a chat template, or an answer at their end that
 *   the template does not let go on or the grammar does not allow;
 *   ResourceError where the prompt or the context does not fit
 */
export async function* generate(
  pair: Pair,
  prompt: Prompt,
  input: SettingsInput = {},
  run: RunOptions = {},
): AsyncGenerator<GenerationEvent, void> {
  const series = new Series(pair, run, 0);
  try {
    yield* series.write(prompt, input);
  } finally {
    await series.dispose();
  }
}

/** Tokens: less than a hundred megabytes in a model of eight billion parameters. */
const SPARE = 512;

/**
 * Texts one after another over the same caches, each with settings of its own: as far as a prompt begins like the text before,
 * it is not evaluated again. Every text is what `generate` would write from its prompt with its settings: with an adaptive draft
 * length only beside costs that are fixed, since texts teach each other what pays.
 */
export class Series {
  readonly #pair: Pair;
  readonly #run: RunOptions;
  readonly #caches: SharedCaches;
  #isWriting = false;

  /**
   * @param run with a signal that ends the text that is being written, and all that follow
   * @param spare tokens by which a text may be longer than the first, prompt included, before the caches are opened anew
   */
  constructor(pair: Pair, run: RunOptions = {}, spare = SPARE) {
    this.#pair = pair;
    this.#run = run;
    this.#caches = new SharedCaches(pair, run, spare);
  }

  /**
   * The events of `generate`.
   * @throws what `generate` throws, and UsageError while another text is being written; the next text may be written then
   */
  async *write(prompt: Prompt, input: SettingsInput = {}): AsyncGenerator<GenerationEvent, void> {
    if (this.#isWriting)
      throw new UsageError(
        'Another text is still being written: read its events to the end, or leave their loop',
      );
    this.#isWriting = true;
    try {
      yield* this.#events(prompt, parseSettings(input));
    } finally {
      this.#isWriting = false;
    }
  }

  async *#events(prompt: Prompt, asked: Settings): AsyncGenerator<GenerationEvent, void> {
    const pair = this.#pair;
    const run = this.#run;
    checkRunOptions(run);
    const settings = withDraftSource(asked, modelsOf(pair));
    const { template, promptTokens, begun } = await readPrompt(pair, prompt, settings, run);
    const contextSize = contextSizeFor(pair, run, promptTokens.length, settings.maxTokens);
    const length = promptTokens.length + settings.maxTokens;
    const parts = await partsOf(pair, settings, { ...run, contextSize }, template);
    const session = new Session(
      await this.#caches.withRoomFor(cacheShape(settings, contextSize, length)),
      parts,
    );
    yield* session.write(promptTokens, run.signal, begun);
  }

  dispose(): Promise<void> {
    return this.#caches.dispose();
  }
}

/** A prompt in tokens, and the template that its messages were put into. */
export interface PromptTokens {
  readonly template: ChatTemplate | undefined;
  readonly promptTokens: readonly TokenId[];
  /** The beginning of the answer, whose tokens are the last of the prompt; undefined: none. */
  readonly begun?: BegunAnswer | undefined;
}

/**
 * Returns a prompt in tokens that fit into the context.
 * @throws UsageError for an empty prompt, messages for a model without a chat template, or an answer that the template does not let
 *   go on; ResourceError where it does not fit
 */
export async function readPrompt(
  pair: Pair,
  prompt: Prompt,
  settings: Settings,
  run: RunOptions,
): Promise<PromptTokens> {
  if (prompt === '') throw new UsageError('The prompt is empty');
  const template = typeof prompt === 'string' ? undefined : await requireChatTemplate(pair, settings);
  const contextSize = contextSizeOf(pair, run);
  refuseLongTexts(
    surelyRead(prompt, settings.special, template?.reasoning?.end),
    pair.target.tokenizer,
    contextSize,
  );
  const encoded = await encodeWithAnswer(pair, prompt, { template, special: settings.special });
  refuseLongPrompt(encoded.promptTokens, contextSize);
  return { template, ...encoded };
}

/** Returns the prompt for a user's text: the text itself, or messages for the chat template, with the system text first. */
export function promptOf(
  text: string,
  { inTemplate, system }: { inTemplate: boolean; system?: string | undefined },
): Prompt {
  if (!inTemplate) return text;
  const messages: ChatMessage[] = [{ role: 'user', content: text }];
  return { messages: system === undefined ? messages : [{ role: 'system', content: system }, ...messages] };
}

/** How a prompt becomes tokens: by the template for messages; a plain text may name control tokens if `special` is set. */
interface Encoding {
  readonly template: ChatTemplate | undefined;
  readonly special: boolean;
}

/** Returns the tokens of a prompt, and the beginning of the answer that it may end with. */
async function encodeWithAnswer(
  pair: Pair,
  prompt: Prompt,
  how: Encoding,
): Promise<Omit<PromptTokens, 'template'>> {
  const last = typeof prompt === 'string' ? undefined : prompt.messages.at(-1);
  if (typeof prompt === 'string' || last?.role !== 'assistant')
    return { promptTokens: await encodePrompt(pair, prompt, how) };
  const turns = prompt.messages.slice(0, -1);
  const { promptTokens, answer } = await loadedAnswer(
    how.template!,
    pair.target.tokenizer,
    turns,
    last,
    'messages',
  );
  return { promptTokens: [...promptTokens, ...answer.tokens], begun: answer };
}

/** Returns the tokens of a prompt. Messages never name control tokens. */
export async function encodePrompt(
  { target }: Pair,
  prompt: Prompt,
  { template, special }: Encoding,
): Promise<readonly TokenId[]> {
  if (typeof prompt === 'string') return target.tokenizer.encode(prompt, special);
  return (await template!.encode(prompt.messages)).tokens;
}

/**
 * Returns the texts that are certainly tokenized. Templates may leave out blank space and parts of answers, control tokens too.
 * @param mark behind reasoning, which templates may leave out of an answer; undefined: none
 */
function surelyRead(prompt: Prompt, special: boolean, mark: string | undefined): string[] {
  if (typeof prompt === 'string') return special ? [] : [prompt];
  const asked = prompt.messages.filter(({ role }) => role === 'user').map(({ content }) => content.trim());
  const last = prompt.messages.at(-1);
  if (last?.role !== 'assistant') return asked;
  const begun = withoutCutCharacter(last.content);
  return [...asked, (mark === undefined ? begun : begun.split(mark).at(-1)!).trim()];
}
