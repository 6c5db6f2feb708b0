import { admit } from '../benchmark/admit.js';
import type { BenchmarkPrompt } from '../benchmark/prompts.js';
import type { TokenizedPrompt } from '../benchmark/run.js';
import { Scorer } from '../benchmark/scorer.js';
import type { DraftChain } from '../drafting/drafter.js';
import type { Model } from '../engine/port.js';
import { Series } from '../generation/generate.js';
import type { RunOptions } from '../generation/run-options.js';
import type { SharedSetting } from '../generation/setting-names.js';
import type { Settings, SettingsInput } from '../generation/settings.js';
import type { Pair } from '../models/pair.js';
import type { TemplateChoice } from '../templates/open-template.js';
import { CostMemory } from '../tuning/cost-store.js';
import { LearnedMemory } from '../tuning/learned-store.js';
import type { Placement, Profile } from '../tuning/profile.js';
import { NotedCosts } from './noted-costs.js';
import { type Recorded, recordSteps, type StepWatch } from './recording.js';

/** The options of a search. */
export interface TuneOptions {
  readonly prompts: readonly BenchmarkPrompt[];
  /** Whether prompts are given as they are, also to a model with a chat template. */
  readonly raw: boolean;
  readonly template: TemplateChoice;
  readonly run: Omit<RunOptions, 'signal' | 'profile' | 'drift'>;
  readonly settings: Pick<Settings, SharedSetting>;
  /** The highest perplexity, divided by that of plain sampling. */
  readonly quality: number;
  /** Sources beside the draft model, which are tried with it; undefined: none. */
  readonly chain?: DraftChain | undefined;
  /** Whether the user has chosen the device of the draft model. */
  readonly isDraftPlaced: boolean;
  /** The seed of the first text of each setting. */
  readonly seed: number;
  readonly signal: AbortSignal;
}

/** A prompt, and the seed of its texts. */
export interface Task extends TokenizedPrompt {
  readonly seed: number;
}

/** Writes and scores texts. */
export class Desk {
  readonly tasks: readonly Task[];
  /** Number of prompts that do not fit into the context. */
  readonly skipped: number;
  readonly costs: NotedCosts;
  readonly #pair: Pair;
  readonly #options: TuneOptions;
  readonly #scorer: Scorer;
  readonly #open = new Set<Series>();
  /** The draft model on the processor. */
  #elsewhere: Promise<Model> | undefined;

  private constructor(
    pair: Pair,
    options: TuneOptions,
    found: { readonly tasks: readonly Task[]; readonly skipped: number; readonly scorer: Scorer },
  ) {
    this.#pair = pair;
    this.#options = options;
    this.#scorer = found.scorer;
    this.tasks = found.tasks;
    this.skipped = found.skipped;
    this.costs = new NotedCosts(options.run.costs ?? new CostMemory());
  }

  /** @throws UsageError where no prompt fits into the context; ResourceError */
  static async open(pair: Pair, options: TuneOptions): Promise<Desk> {
    const { raw, template: choice, run, seed, settings } = options;
    const { threads, cacheType, flashAttention } = run;
    const template = raw ? undefined : await pair.target.chatTemplate?.(choice);
    const contextSize = run.contextSize ?? (pair.targetHeader.trainContextSize || Number.MAX_SAFE_INTEGER);
    const { prompts, skipped } = await admit(options, pair, template, contextSize);
    const tasks = prompts.map((prompt, i) => ({ ...prompt, seed: (seed + i) % 2 ** 32 }));
    const longest = Math.max(...prompts.map(({ tokens }) => tokens.length));
    const capacity = Math.min(contextSize, longest + settings.maxTokens);
    const context = await pair.target.createContext({
      capacity,
      sequences: 1,
      threads,
      cacheType,
      flashAttention,
    });
    const scorer = new Scorer(context, settings.topK);
    return new Desk(pair, options, { tasks, skipped: skipped.length, scorer });
  }

  /** Returns caches for texts of one setting. They are freed with the desk, if they are not closed before. */
  async series({ draftGpuLayers, ...threads }: Placement, profile?: Profile): Promise<Series> {
    const { run, signal } = this.#options;
    const pair = draftGpuLayers === undefined ? this.#pair : await this.#withDraftOn(draftGpuLayers);
    const learned = new LearnedMemory(); // so that the texts of one setting teach no other
    const series = new Series(pair, { ...run, ...threads, costs: this.costs, learned, profile, signal });
    this.#open.add(series);
    return series;
  }

  /** The pair with its draft model loaded once more, so many layers of it on the GPU. It is freed with the engine. */
  async #withDraftOn(draftGpuLayers: number): Promise<Pair> {
    const { engine, draftHeader } = this.#pair;
    const { signal } = this.#options;
    this.#elsewhere ??= engine.loadModel(draftHeader!.path, { gpuLayers: draftGpuLayers, signal });
    return { ...this.#pair, draft: await this.#elsewhere, draftGpuLayers };
  }

  /**
   * Writes a text and scores it.
   * @throws the signal's reason where it is aborted, and what `generate` throws
   */
  async write(
    series: Series,
    settings: SettingsInput,
    { request, tokens, seed }: Task,
    watch?: StepWatch,
  ): Promise<Recorded> {
    const { settings: shared, template, signal } = this.#options;
    const input = { ...shared, ...template, ...settings, seed };
    const text = await recordSteps(series, request, input, signal, watch);
    const logProbSum = await this.#scorer.score(tokens, text.tokens);
    signal.throwIfAborted();
    return { ...text, logProbSum };
  }

  /** Frees the caches, after the last text. */
  async close(series: Series): Promise<void> {
    this.#open.delete(series);
    await series.dispose();
  }

  async dispose(): Promise<void> {
    const freed = await Promise.allSettled([...this.#open, this.#scorer].map((one) => one.dispose()));
    const failed = freed.find((one) => one.status === 'rejected');
    if (failed) throw failed.reason;
  }
}
