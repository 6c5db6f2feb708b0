import type { Ratios } from '../generation/counters.js';
import type { Settings, SettingsInput, SharedSetting } from '../generation/settings.js';
import type { Estimate } from '../math/bootstrap.js';
import type { Look, StrategySetting } from '../strategies/definition.js';
import type { FinishReason, TokenId } from '../types.js';

export type { Estimate };

/** All that a benchmark found. Written as JSON with its keys in snake_case, and read again to compare. */
export interface BenchmarkReport {
  readonly schema: 2;
  /** False: interrupted, and what was finished is here. */
  readonly complete: boolean;
  /** ISO 8601. */
  readonly started: string;
  /** The whole run, loading excepted. */
  readonly seconds: number;
  readonly machine: Machine;
  readonly versions: Versions;
  readonly models: { readonly target: ModelFacts; readonly draft: ModelFacts | null };
  readonly conditions: Conditions;
  readonly energy: EnergySource;
  readonly passes: readonly PassCost[];
  /** In the order of the command line. */
  readonly contenders: readonly ContenderSummary[];
  /** One sentence or two. */
  readonly recommendation: string;
  /** Which contender that is, if any. */
  readonly recommended: Pick<Contender, 'name' | 'engine'> | null;
  readonly generations: readonly Generation[];
}

/** What the benchmark ran on. */
export interface Machine {
  readonly cpu: string;
  /** As many as this process may use. */
  readonly processors: number;
  readonly memoryGb: number;
  /** Operating system and release. */
  readonly system: string;
  /** llama.cpp's: 'cpu', 'cuda', 'vulkan' or 'metal' */
  readonly backend: string;
  /** Names of those that the backend sees. */
  readonly gpus: readonly string[];
}

/** What the figures were taken with. */
export interface Versions {
  readonly mtad: string;
  readonly node: string;
  readonly nodeLlamaCpp: string;
  readonly llamaCpp: string;
}

/** What a model file says of itself. */
export interface ModelFacts {
  /** Its name, no folder. */
  readonly file: string;
  readonly bytes: number;
  readonly architecture: string;
  /** What the file itself says a reader of its figures must know, such as a large model's cost with a small one's wits. */
  readonly caveat: string | null;
}

/** What held for all contenders alike; null: nothing was asked for, and engine or model decide. */
export interface Conditions extends Pick<Settings, SharedSetting> {
  /** File name, or 'built-in' */
  readonly prompts: string;
  /** Prompts. */
  readonly used: number;
  readonly skipped: readonly SkippedPrompt[];
  readonly repetitions: number;
  /** Of the first generation of each contender. */
  readonly seed: number;
  readonly threads: number | null;
  readonly draftThreads: number | null;
  /** Tokens of prompt and text together. */
  readonly contextSize: number | null;
  /** Number format of the KV caches. */
  readonly cacheType: string | null;
  readonly flashAttention: boolean | null;
  /** Of the target. */
  readonly gpuLayers: number | null;
  readonly draftGpuLayers: number | null;
  /** That prompts were put into; null: none. */
  readonly chatTemplate: string | null;
}

/** A prompt that nobody wrote on from. */
export interface SkippedPrompt {
  readonly id: string;
  readonly reason: string;
}

/** A counter that energy was read from, or why there is none. */
export interface EnergySource {
  /** 'RAPL package-0', 'NVML 1 GPU', ... */
  readonly source: string | null;
  /** Why there is none, and what would change that. */
  readonly reason: string | null;
  /** Before the run, models loaded. */
  readonly idleWatts: number | null;
}

/** T(k): one bare pass of k tokens, all of them read. The mean of three measurements per round of the benchmark. */
export interface PassCost {
  readonly engine: string;
  readonly model: 'target' | 'draft';
  /** Tokens in the pass: k. */
  readonly tokens: number;
  readonly ms: number;
}

/** One strategy with its settings on one engine, or another program's way of doing the same. */
export interface Contender {
  /** 'mtad k=4 w=4 tau=0.5', for people; unique on its engine. */
  readonly name: string;
  /** 'direct', 'bindings', or a peer's library. */
  readonly engine: string;
  readonly role: 'strategy' | 'baseline' | 'peer';
  /** Null: a peer. */
  readonly strategy: string | null;
  /** What the strategy says of itself. Null: a peer. */
  readonly traits: Traits | null;
  readonly settings: ContenderSettings;
}

/** What a report must know of a strategy, which may be a user's own. */
export interface Traits {
  /** Whether its text is distributed as the target's own. */
  readonly isLossless: boolean;
  /** Whether it may refuse what it drafted: only then does an acceptance rate mean something. */
  readonly mayRefuse: boolean;
  /** Null: as one of the others. */
  readonly look: Look | null;
}

/** The settings in which a contender differs from the others; what is not here holds for all, or has no effect. */
export type ContenderSettings = Pick<SettingsInput, StrategySetting | 'temperature'>;

/** One contender's text for one prompt. */
export interface Generation {
  readonly contender: string;
  readonly engine: string;
  /** The prompt's id. */
  readonly prompt: string;
  /** [0..repetitions) */
  readonly repetition: number;
  readonly seed: number;
  readonly promptTokens: number;
  /** Emitted. */
  readonly tokens: readonly TokenId[];
  readonly finishReason: FinishReason;
  readonly ms: {
    readonly prefill: number;
    /** From the start of prefill. */
    readonly firstToken: number | null;
    /** The loop, prompt excluded. */
    readonly decode: number;
    /** Parts of decode; null where a peer does not tell. */
    readonly draft: number | null;
    readonly verify: number | null;
    readonly own: number | null;
  };
  /** Null where a peer does not tell. */
  readonly passes: PassSizes | null;
  /** Null where a peer does not tell. */
  readonly speculation: Speculation | null;
  /** Raw, over the emitted tokens; null: not scored. */
  readonly logProbSum: number | null;
  /** Of the decoding loop, idle power included. */
  readonly joules: number | null;
}

/** Passes of the decoding loop by size: [tokens evaluated at once, number of such passes]. */
export interface PassSizes {
  readonly target: readonly (readonly [number, number])[];
  readonly draft: readonly (readonly [number, number])[];
}

/** What was drafted and accepted in one generation. */
export interface Speculation {
  readonly steps: number;
  readonly targetPasses: number;
  readonly draftPasses: number;
  /** Tokens. */
  readonly drafted: number;
  /** Tokens. */
  readonly accepted: number;
  /** Steps whose draft reached the position. */
  readonly draftedByPosition: readonly number[];
  /** Steps that kept it. */
  readonly acceptedByPosition: readonly number[];
}

/** Time per token of another contender ÷ that of this one, on the prompts that both wrote on from. */
export interface SpeedUps {
  /** On the same engine where it ran there. */
  readonly autoregressive: Estimate | null;
  /** Likewise; of the same draft length if there were several. */
  readonly speculative: Estimate | null;
  /** node-llama-cpp's DraftSequenceTokenPredictor. */
  readonly predictor: Estimate | null;
}

/** All generations of one contender taken together; null = not measured, or there is no such thing. */
export interface ContenderSummary extends Contender {
  readonly generations: number;
  /** Emitted in all. */
  readonly tokens: number;
  readonly targetPasses: number | null;
  /** Emitted tokens ÷ seconds of the decoding loops, of all texts together. */
  readonly tokensPerSecond: Estimate | null;
  readonly speedUp: SpeedUps;
  /** Median. */
  readonly firstTokenMs: number | null;
  /** Tokens per target pass. */
  readonly blockEfficiency: number | null;
  /** [0, 1] */
  readonly acceptanceRate: number | null;
  /** [0, 1], of the steps whose draft reached the position. */
  readonly acceptanceByPosition: Ratios['acceptanceByPosition'];
  /** The parts of the time that an emitted token takes. */
  readonly msPerToken: Ratios['msPerToken'];
  /** Time that its passes cost bare ÷ time it took: 1 = nothing is lost. */
  readonly achievedOfPossible: number | null;
  /** Under the target, temperature 1, nothing cut. */
  readonly perplexity: Estimate | null;
  /** distinct-1, -2, -3: different n-grams ÷ n-grams, [0, 1] */
  readonly distinct: readonly (number | null)[];
  /** net: idle power subtracted; null where that is not known. */
  readonly joulesPerToken: { readonly gross: number; readonly net: number | null } | null;
}
