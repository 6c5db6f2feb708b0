import { UsageError } from '../errors.js';
import {
  contextSizeFor,
  contextSizeOf,
  refuseLongPrompt,
  refuseLongTexts,
} from '../generation/context-size.js';
import { type DecidedSettings, modelsOf, withDraftSource } from '../generation/draft-source.js';
import type { GenerationEvent, GenerationResult } from '../generation/events.js';
import { type Prompt, type PromptTokens, readPrompt } from '../generation/generate.js';
import { type BegunAnswer, grammarStart } from '../generation/grammar-start.js';
import { parseSettings } from '../generation/parse-settings.js';
import type { RunOptions } from '../generation/run-options.js';
import { Session } from '../generation/session.js';
import { cacheShape, partsOf } from '../generation/session-parts.js';
import type { SettingsInput } from '../generation/settings.js';
import type { Pair } from '../models/pair.js';
import type { TokenId } from '../types.js';
import { stopping } from './api-error.js';
import { CacheShelf } from './cache-shelf.js';
import { type Evaluated, evaluate, TARGET_ALONE } from './evaluate.js';
import { WorkQueue } from './work-queue.js';

/** A text to write, which was checked as far as possible. */
export interface Job extends PromptTokens {
  readonly settings: DecidedSettings;
}

/** A written text, and the milliseconds that it waited for its turn. */
export interface Written {
  readonly result: GenerationResult;
  readonly promptTokens: number;
  readonly queueMs: number;
}

export interface WriterOptions {
  /** Number of texts that are written at the same time, >= 1. Passes of the models always take turns. */
  readonly parallel: number;
  /** Number of texts whose caches stay, >= `parallel`. */
  readonly caches: number;
}

/** Writes texts with one pair, in the order of the requests. */
export class Writer {
  readonly pair: Pair;
  readonly #run: RunOptions;
  readonly #queue: WorkQueue;
  readonly #shelf: CacheShelf;
  #usual: SettingsInput['strategy'];

  constructor(pair: Pair, run: RunOptions, { parallel, caches }: WriterOptions) {
    this.pair = pair;
    this.#run = run;
    this.#queue = new WorkQueue(parallel);
    this.#shelf = new CacheShelf(pair, run, caches);
  }

  get running(): number {
    return this.#queue.running;
  }

  get waiting(): number {
    return this.#queue.waiting;
  }

  get isStopping(): boolean {
    return this.#queue.isStopping;
  }

  /**
   * Opens the first caches, so that wrong settings and a lack of memory show when the server starts.
   * @throws UsageError, ResourceError
   */
  async warmUp(input: SettingsInput): Promise<void> {
    this.#usual = input.strategy;
    const { giveBack } = await this.#shelf.lend([], this.#shapeFor(this.#decided(input), 0));
    await giveBack([]);
  }

  /**
   * Checks a text before it waits for its turn.
   * @param prompt a text, messages, or tokens
   * @throws UsageError; ResourceError where the prompt does not fit into the context; ApiError where too many wait
   */
  async prepare(prompt: Prompt | readonly TokenId[], input: SettingsInput): Promise<Job> {
    this.#queue.refuseIfClosed();
    const settings = this.#decided(input);
    this.#refusePlain(input, settings);
    if (settings.grammar) await this.pair.engine.checkGrammar(settings.grammar);
    if (!isTokens(prompt)) {
      const job = { settings, ...(await readPrompt(this.pair, prompt, settings, this.#run)) };
      return { ...job, begun: await this.#withGrammarStart(job) };
    }
    this.#refuseUnknown(prompt);
    refuseLongPrompt(prompt, contextSizeOf(this.pair, this.#run));
    return { settings, template: undefined, promptTokens: prompt };
  }

  /**
   * Writes a text when its turn comes.
   * @throws what a session throws; ApiError where the server stops
   */
  write(job: Job, signal: AbortSignal, on: (event: GenerationEvent) => void): Promise<Written> {
    return this.#queue.run(signal, async (ending, queueMs) => {
      const result = await this.#writeNow(job, ending, on);
      if (result.finishReason === 'interrupted' && !signal.aborted) throw stopping();
      return { result, promptTokens: job.promptTokens.length, queueMs };
    });
  }

  /**
   * Returns the tokens of a text.
   * @throws ResourceError where its length alone shows that it does not fit into the context
   */
  tokensOf(text: string): TokenId[] {
    const { tokenizer } = this.pair.target;
    refuseLongTexts([text], tokenizer, contextSizeOf(this.pair, this.#run));
    return tokenizer.encode(text);
  }

  /**
   * Evaluates a text when its turn comes.
   * @param from index, from 0, of the first token behind which the likeliest tokens are read
   * @param top number of these tokens
   * @returns a row for each token from there on, and how many tokens no cache held
   * @throws UsageError, ResourceError; ApiError where the server stops, or too many wait; the signal's reason
   */
  evaluate(tokens: readonly TokenId[], from: number, top: number, signal: AbortSignal): Promise<Evaluated> {
    this.#queue.refuseIfClosed();
    this.#refuseUnknown(tokens);
    const contextSize = contextSizeOf(this.pair, this.#run);
    refuseLongPrompt(tokens, contextSize);
    return this.#queue.run(signal, async (ending) => {
      const shape = { ...TARGET_ALONE, capacity: contextSize - 1 };
      const { cache, giveBack } = await this.#shelf.lend(tokens, shape);
      let text: readonly TokenId[] | undefined;
      try {
        const evaluated = await evaluate(cache.target, tokens, from, top, ending);
        text = evaluated ? tokens : tokens.slice(0, from + 1);
        if (!evaluated) throw ending.reason;
        return evaluated;
      } finally {
        await giveBack(text);
      }
    });
  }

  /** Refuses the texts that wait, waits at most `graceMs` milliseconds for the others, and frees the caches. */
  async stop(graceMs: number): Promise<void> {
    await this.#queue.stop(graceMs);
    await this.#shelf.dispose();
  }

  async #writeNow(
    { settings, template, promptTokens, begun }: Job,
    signal: AbortSignal,
    on: (event: GenerationEvent) => void,
  ): Promise<GenerationResult> {
    const parts = await partsOf(this.pair, settings, this.#run, template);
    const { cache, giveBack } = await this.#shelf.lend(
      promptTokens,
      this.#shapeFor(settings, promptTokens.length),
    );
    let text: readonly TokenId[] | undefined;
    try {
      const session = new Session(cache, parts);
      let result: GenerationResult | undefined;
      for await (const event of session.write(promptTokens, signal, begun)) {
        if (event.type === 'end') result = event.result;
        on(event);
      }
      text = session.tokens;
      return result!;
    } finally {
      await giveBack(text);
    }
  }

  #decided(input: SettingsInput): DecidedSettings {
    return withDraftSource(parseSettings(input), modelsOf(this.pair));
  }

  /** @throws UsageError for a strategy that a request asks for, and that has nothing here to draft with */
  #refusePlain({ strategy }: SettingsInput, decided: DecidedSettings): void {
    if (typeof strategy === 'string' && strategy !== this.#usual && strategy !== decided.strategy)
      throw new UsageError(
        `\`strategy\` ${strategy} drafts with a draft model, and this server has none: leave it out, or ask for mtad`,
      );
  }

  /**
   * Returns the beginning of an answer, and where in its grammar it goes on, so that nothing looks for that twice.
   * @throws UsageError for one that the grammar does not allow
   */
  async #withGrammarStart({ settings, template, begun }: Job): Promise<BegunAnswer | undefined> {
    if (!settings.grammar || !begun) return begun;
    const { target } = this.pair;
    const grammar = await target.createGrammar(settings.grammar);
    return { ...begun, grammarStart: grammarStart(grammar, template, target.tokenizer, begun) };
  }

  #shapeFor(settings: DecidedSettings, promptTokens: number) {
    const { maxTokens } = settings;
    const contextSize = contextSizeFor(this.pair, this.#run, promptTokens, maxTokens);
    return cacheShape(settings, contextSize, promptTokens + maxTokens);
  }

  /** @throws UsageError for numbers that are not tokens of the target */
  #refuseUnknown(tokens: readonly TokenId[]): void {
    const size = this.pair.targetHeader.vocabulary.tokens.length;
    if (tokens.length === 0) throw new UsageError('The prompt is empty');
    const strange = tokens.find((token) => token >= size);
    if (strange !== undefined)
      throw new UsageError(`The prompt has token ${strange}, and the model's tokens end at ${size - 1}`);
  }
}

function isTokens(prompt: Prompt | readonly TokenId[]): prompt is readonly TokenId[] {
  return Array.isArray(prompt);
}
