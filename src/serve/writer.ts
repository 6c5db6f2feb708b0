import { performance } from 'node:perf_hooks';
import { UsageError } from '../errors.js';
import { contextSizeOf, refuseLongPrompt } from '../generation/context-size.js';
import { type DecidedSettings, withDraftSource } from '../generation/draft-source.js';
import type { GenerationEvent, GenerationResult } from '../generation/events.js';
import { type Prompt, type PromptTokens, readPrompt } from '../generation/generate.js';
import type { RunOptions } from '../generation/run-options.js';
import { cacheShape, Session } from '../generation/session.js';
import { parseSettings, type SettingsInput } from '../generation/settings.js';
import type { Pair } from '../models/pair.js';
import type { TokenId } from '../types.js';
import { stopping } from './api-error.js';
import { CacheShelf } from './cache-shelf.js';
import { Turns } from './turns.js';

/** A text to write, with all that can be checked of it checked. */
export interface Job extends PromptTokens {
  readonly settings: DecidedSettings;
}

/** A text, and how long it waited for its turn, in milliseconds. */
export interface Written {
  readonly result: GenerationResult;
  readonly promptTokens: number;
  readonly queueMs: number;
}

export interface WriterOptions {
  /** Texts that are written at once, >= 1. The passes of the models run one after another in any case. */
  readonly parallel: number;
  /** Texts whose caches stay, >= `parallel`. */
  readonly caches: number;
}

/** Writes texts with one pair, in the order in which they are asked for. */
export class Writer {
  readonly pair: Pair;
  readonly #run: RunOptions;
  readonly #turns: Turns;
  readonly #shelf: CacheShelf;
  readonly #writing = new Set<AbortController>();
  #isStopping = false;
  #idle: (() => void) | undefined;

  constructor(pair: Pair, run: RunOptions, { parallel, caches }: WriterOptions) {
    this.pair = pair;
    this.#run = run;
    this.#turns = new Turns(parallel);
    this.#shelf = new CacheShelf(pair, run, caches);
  }

  get running(): number {
    return this.#writing.size;
  }

  get waiting(): number {
    return this.#turns.waiting;
  }

  get isStopping(): boolean {
    return this.#isStopping;
  }

  /**
   * Opens the first caches, so that wrong settings and a lack of memory show before the first request.
   * @throws UsageError, ResourceError
   */
  async warmUp(input: SettingsInput): Promise<void> {
    const { giveBack } = await this.#shelf.lend([], this.#shapeFor(this.#decided(input), 0));
    await giveBack([]);
  }

  /**
   * Checks a text before it waits for its turn.
   * @param prompt a text, messages, or tokens
   * @throws UsageError; ResourceError where the prompt does not fit into the context; ApiError where too many wait
   */
  async prepare(prompt: Prompt | readonly TokenId[], input: SettingsInput): Promise<Job> {
    if (this.#isStopping) throw stopping();
    this.#turns.refuseIfFull();
    const settings = this.#decided(input);
    if (settings.grammar) await this.pair.engine.checkGrammar(settings.grammar);
    if (!isTokens(prompt)) return { settings, ...(await readPrompt(this.pair, prompt, settings, this.#run)) };
    this.#refuseUnknown(prompt);
    refuseLongPrompt(prompt, contextSizeOf(this.pair, this.#run));
    return { settings, template: undefined, promptTokens: prompt };
  }

  /**
   * Writes a text when its turn comes.
   * @throws what a session throws; ApiError where the server stops
   */
  async write(job: Job, signal: AbortSignal, on: (event: GenerationEvent) => void): Promise<Written> {
    const asked = performance.now();
    if (this.#isStopping) throw stopping();
    await this.#turns.take(signal);
    const queueMs = performance.now() - asked;
    const controller = new AbortController();
    const abort = () => controller.abort();
    signal.addEventListener('abort', abort, { once: true });
    if (signal.aborted) abort();
    this.#writing.add(controller);
    try {
      const result = await this.#writeNow(job, controller.signal, on);
      if (result.finishReason === 'interrupted' && !signal.aborted) throw stopping();
      return { result, promptTokens: job.promptTokens.length, queueMs };
    } finally {
      signal.removeEventListener('abort', abort);
      this.#writing.delete(controller);
      this.#turns.done();
      if (this.#writing.size === 0) this.#idle?.();
    }
  }

  /** Sends away the texts that wait, and lets those that are being written come to their end, at most for `graceMs`. */
  async stop(graceMs: number): Promise<void> {
    this.#isStopping = true;
    this.#turns.refuseAll();
    if (this.#writing.size > 0) {
      const end = setTimeout(() => {
        for (const controller of this.#writing) controller.abort();
      }, graceMs);
      await new Promise<void>((resolve) => {
        this.#idle = resolve;
      });
      clearTimeout(end);
    }
    await this.#shelf.dispose();
  }

  async #writeNow(
    { settings, template, promptTokens }: Job,
    signal: AbortSignal,
    on: (event: GenerationEvent) => void,
  ): Promise<GenerationResult> {
    const { cache, giveBack } = await this.#shelf.lend(
      promptTokens,
      this.#shapeFor(settings, promptTokens.length),
    );
    let text: readonly TokenId[] | undefined;
    try {
      const session = await Session.over(cache, this.pair, settings, this.#run, template);
      let result: GenerationResult | undefined;
      for await (const event of session.write(promptTokens, signal)) {
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
    const { targetHeader: target, draftHeader: draft } = this.pair;
    return withDraftSource(parseSettings(input), { target, draft });
  }

  #shapeFor(settings: DecidedSettings, promptTokens: number) {
    return cacheShape(settings, contextSizeOf(this.pair, this.#run), promptTokens + settings.maxTokens);
  }

  /** @throws UsageError for numbers that are no tokens of the target */
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
