import type { Counters, Ratios } from '../generation/counters.js';
import type { SharedSetting } from '../generation/setting-names.js';
import type { Settings, SettingsInput } from '../generation/settings.js';
import type { Estimate } from '../math/bootstrap.js';
import type { Look, StrategySetting } from '../strategies/definition.js';
import type { FinishReason, TokenId } from '../types.js';
import type { BenchmarkPrompt } from './prompts.js';

export type { Estimate };

/** All that a benchmark found. Written as JSON with its keys in snake_case, and read again to compare. */
export interface BenchmarkReport {
  readonly schema: 2;
  /** False: the run was interrupted, and the report has the finished part. */
  readonly complete: boolean;
  /** ISO 8601. */
  readonly started: string;
  /** Time of the whole run without loading. */
  readonly seconds: number;
  readonly machine: Machine;
  readonly versions: Versions;
  readonly models: { readonly target: ModelFacts; readonly draft: ModelFacts | null };
  readonly conditions: Conditions;
  readonly energy: EnergySource;
  readonly passes: readonly PassCost[];
  /** In the order of the command line. */
  readonly contenders: readonly ContenderSummary[];
  /** The advice, in one or two sentences. */
  readonly recommendation: string;
  /** The recommended contender, if there is one. */
  readonly recommended: Pick<Contender, 'name' | 'engine'> | null;
  /** The prompts that were used. */
  readonly prompts: readonly BenchmarkPrompt[];
  readonly generations: readonly Generation[];
}

/** The machine of the benchmark. */
export interface Machine {
  readonly cpu: string;
  /** Number of cores that this process may use. */
  readonly processors: number;
  readonly memoryGb: number;
  /** Operating system and release. */
  readonly system: string;
  /** llama.cpp's name of it: 'cpu', 'cuda', 'vulkan' or 'metal'. */
  readonly backend: string;
  /** Names of the GPUs that the backend sees. */
  readonly gpus: readonly string[];
}

/** The versions of the software. */
export interface Versions {
  readonly mtad: string;
  readonly node: string;
  readonly nodeLlamaCpp: string;
  readonly llamaCpp: string;
}

/** The facts of a model file. */
export interface ModelFacts {
  /** The name of the file, without its folder. */
  readonly file: string;
  readonly bytes: number;
  readonly architecture: string;
  /** A warning about the figures that the file itself contains, such as: costs of a large model, text of a small one. */
  readonly caveat: string | null;
}

/** The conditions that all contenders shared; null: the engine or the model decided. */
export interface Conditions extends Pick<Settings, SharedSetting> {
  /** File name, or 'built-in'. */
  readonly prompts: string;
  /** Number of prompts. */
  readonly used: number;
  readonly skipped: readonly SkippedPrompt[];
  readonly repetitions: number;
  /** The seed of each contender's first generation. */
  readonly seed: number;
  readonly threads: number | null;
  readonly draftThreads: number | null;
  /** The most tokens of prompt and text together. */
  readonly contextSize: number | null;
  /** Number format of the KV caches. */
  readonly cacheType: string | null;
  readonly flashAttention: boolean | null;
  /** Layers of the target on the GPU. */
  readonly gpuLayers: number | null;
  readonly draftGpuLayers: number | null;
  /** The template that prompts were put into; null: none. */
  readonly chatTemplate: string | null;
}

/** A prompt that was left out. */
export interface SkippedPrompt {
  readonly id: string;
  readonly reason: string;
}

/** The counters of energy, or the reason why there are none. */
export interface EnergySource {
  /** 'RAPL package-0', 'NVML 1 GPU', ... */
  readonly source: string | null;
  /** The reason why there is none, and the remedy. */
  readonly reason: string | null;
  /** Measured before the run, with the models loaded. */
  readonly idleWatts: number | null;
}

/** T(k), the time of a pass of k tokens by itself, all of them read. It is the mean of three measurements in each round. */
export interface PassCost {
  readonly engine: string;
  readonly model: 'target' | 'draft';
  /** Number of tokens in the pass, k. */
  readonly tokens: number;
  readonly ms: number;
}

/** A strategy with its settings on an engine, or a peer: another program's way of doing the same. */
export interface Contender {
  /** A name for people, unique on its engine: 'mtad k=4 w=4 tau=0.5'. */
  readonly name: string;
  /** 'direct', 'bindings', or a peer's library. */
  readonly engine: string;
  readonly role: 'strategy' | 'baseline' | 'peer';
  /** Null for a peer. */
  readonly strategy: string | null;
  /** The strategy's own description; null for a peer. */
  readonly traits: Traits | null;
  readonly settings: ContenderSettings;
}

/** The facts of a strategy that a report needs. The strategy may be a user's own. */
export interface Traits {
  /** Whether its text is distributed as the target's own. */
  readonly isLossless: boolean;
  /** Whether it may refuse drafted tokens. Only then does an acceptance rate have a meaning. */
  readonly mayRefuse: boolean;
  /** Its colours; null: the default. */
  readonly look: Look | null;
}

/** The settings in which contenders may differ. Settings that are missing are the same for all, or have no effect. */
export type ContenderSettings = Pick<
  SettingsInput,
  StrategySetting | 'quality' | 'repetition' | 'temperature'
>;

/** A contender's text for a prompt. */
export interface Generation {
  readonly contender: string;
  readonly engine: string;
  /** The prompt's id. */
  readonly prompt: string;
  /** Number of the repetition, [0..repetitions). */
  readonly repetition: number;
  readonly seed: number;
  readonly promptTokens: number;
  /** The emitted tokens. */
  readonly tokens: readonly TokenId[];
  /** Their text. */
  readonly text: string;
  readonly finishReason: FinishReason;
  readonly ms: {
    readonly prefill: number;
    /** Time from the start of prefill; null where there was no token. */
    readonly firstToken: number | null;
    /** Time of the loop, without the prompt. */
    readonly decode: number;
    /** Parts of `decode`; null where a peer does not give them. */
    readonly draft: number | null;
    readonly verify: number | null;
    readonly own: number | null;
  };
  /** Null where a peer does not give it. */
  readonly passes: PassSizes | null;
  /** Null where a peer does not give it. */
  readonly speculation: Speculation | null;
  /** Raw log-probability of the emitted tokens; null: not scored. */
  readonly logProbSum: number | null;
  /** Energy of the decoding loop, idle power included. */
  readonly joules: number | null;
}

/** The passes of the decoding loop by size: [tokens evaluated at once, number of such passes]. */
export interface PassSizes {
  readonly target: readonly (readonly [number, number])[];
  readonly draft: readonly (readonly [number, number])[];
}

/** The counts of drafted and accepted tokens in a generation. */
export interface Speculation {
  readonly steps: number;
  readonly targetPasses: number;
  readonly draftPasses: number;
  /** Tokens. */
  readonly drafted: number;
  /** Tokens. */
  readonly accepted: number;
  /** For each position, the number of steps whose draft reached it. */
  readonly draftedByPosition: readonly number[];
  /** For each position, the number of steps that kept its token. */
  readonly acceptedByPosition: readonly number[];
  /** Of each source, where there are several. Reports of earlier builds have none. */
  readonly bySource?: Counters['bySource'] | undefined;
}

/** Time per token of another contender ÷ that of this one, on the prompts that both continued. */
export interface SpeedUps {
  /** Plain decoding, on the same engine if it ran there. */
  readonly autoregressive: Estimate | null;
  /** Speculative sampling, likewise, with the same draft length if there were several. */
  readonly speculative: Estimate | null;
  /** node-llama-cpp's DraftSequenceTokenPredictor. */
  readonly predictor: Estimate | null;
}

/** The figures of all generations of a contender together; null = not measured, or does not apply. */
export interface ContenderSummary extends Contender {
  readonly generations: number;
  /** Number of emitted tokens in all. */
  readonly tokens: number;
  readonly targetPasses: number | null;
  /** Emitted tokens ÷ seconds of the decoding loops, of all texts together. */
  readonly tokensPerSecond: Estimate | null;
  readonly speedUp: SpeedUps;
  /** The median over the generations. */
  readonly firstTokenMs: number | null;
  /** Tokens per target pass. */
  readonly blockEfficiency: number | null;
  /** In [0, 1]. */
  readonly acceptanceRate: number | null;
  /** For each position, in [0, 1], over the steps whose draft reached it. */
  readonly acceptanceByPosition: Ratios['acceptanceByPosition'];
  /** The parts of the time per emitted token. */
  readonly msPerToken: Ratios['msPerToken'];
  /** Time of its passes by themselves ÷ its whole time; 1: no time is lost. */
  readonly achievedOfPossible: number | null;
  /** Of the texts under the target, at temperature 1 with nothing cut. */
  readonly perplexity: Estimate | null;
  /** distinct-1, -2, -3, -4: different n-grams ÷ n-grams, [0, 1]; of the last, what is missing to 1 is repeated 4-grams. */
  readonly distinct: readonly (number | null)[];
  /** `net` is without idle power; null where that is not known. */
  readonly joulesPerToken: { readonly gross: number; readonly net: number | null } | null;
}
