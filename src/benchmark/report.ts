import type { Ratios } from '../generation/counters.js';
import type { SettingsInput } from '../generation/settings.js';
import type { Estimate } from '../math/bootstrap.js';
import type { FinishReason, TokenId } from '../types.js';

export type { Estimate };

/** All that a benchmark found. Written as JSON with its keys in snake_case, and read again to compare. */
export interface BenchmarkReport {
  readonly schema: 2;
  readonly complete: boolean; // false: interrupted, and what was finished is here
  readonly started: string; // ISO 8601
  readonly seconds: number; // the whole run, loading excepted
  readonly machine: Machine;
  readonly versions: Versions;
  readonly models: { readonly target: ModelFacts; readonly draft: ModelFacts | null };
  readonly conditions: Conditions;
  readonly energy: EnergySource;
  readonly passes: readonly PassCost[];
  readonly contenders: readonly ContenderSummary[]; // in the order of the command line
  readonly recommendation: string; // one sentence or two
  readonly recommended: Pick<Contender, 'name' | 'engine'> | null; // which contender that is, if any
  readonly generations: readonly Generation[];
}

/** What the benchmark ran on. */
export interface Machine {
  readonly cpu: string;
  readonly processors: number; // as many as this process may use
  readonly memoryGb: number;
  readonly system: string; // operating system and release
  readonly backend: string; // llama.cpp's: 'cpu', 'cuda', 'vulkan' or 'metal'
  readonly gpus: readonly string[]; // names of those that the backend sees
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
  readonly file: string; // its name, no folder
  readonly bytes: number;
  readonly architecture: string;
  /** What the file itself says a reader of its figures must know, such as a large model's cost with a small one's wits. */
  readonly caveat: string | null;
}

/** What held for all contenders alike; null: nothing was asked for, and engine or model decide. */
export interface Conditions {
  readonly prompts: string; // file name, or 'built-in'
  readonly used: number; // prompts
  readonly skipped: readonly SkippedPrompt[];
  readonly repetitions: number;
  readonly maxTokens: number;
  readonly ignoreEos: boolean;
  readonly special: boolean; // whether prompts without a template may name control tokens
  readonly temperature: number;
  readonly topK: number;
  readonly topP: number;
  readonly seed: number; // of the first generation of each contender
  readonly threads: number | null;
  readonly draftThreads: number | null;
  readonly contextSize: number | null; // tokens of prompt and text together
  readonly cacheType: string | null; // number format of the KV caches
  readonly flashAttention: boolean | null;
  readonly gpuLayers: number | null; // of the target
  readonly draftGpuLayers: number | null;
  readonly chatTemplate: string | null; // that prompts were put into; null: none
}

/** A prompt that nobody wrote on from. */
export interface SkippedPrompt {
  readonly id: string;
  readonly reason: string;
}

/** A counter that energy was read from, or why there is none. */
export interface EnergySource {
  readonly source: string | null; // 'RAPL package-0', 'NVML 1 GPU', ...
  readonly reason: string | null; // why there is none, and what would change that
  readonly idleWatts: number | null; // before the run, models loaded
}

/** T(k): one bare pass of k tokens, all of them read. The mean of three measurements per round of the benchmark. */
export interface PassCost {
  readonly engine: string;
  readonly model: 'target' | 'draft';
  readonly tokens: number; // k
  readonly ms: number;
}

/** One strategy with its settings on one engine, or another program's way of doing the same. */
export interface Contender {
  readonly name: string; // 'mtad k=4 w=4 tau=0.5', for people; unique on its engine
  readonly engine: string; // 'direct', 'bindings', or a peer's library
  readonly role: 'strategy' | 'baseline' | 'peer';
  readonly strategy: string | null; // null: a peer
  readonly settings: ContenderSettings;
}

/** The settings in which a contender differs from the others; what is not here holds for all, or has no effect. */
export type ContenderSettings = Pick<
  SettingsInput,
  'draftLength' | 'beamWidth' | 'threshold' | 'clip' | 'draftFrom' | 'temperature'
>;

/** One contender's text for one prompt. */
export interface Generation {
  readonly contender: string;
  readonly engine: string;
  readonly prompt: string; // its id
  readonly repetition: number; // [0..repetitions)
  readonly seed: number;
  readonly promptTokens: number;
  readonly tokens: readonly TokenId[]; // emitted
  readonly finishReason: FinishReason;
  readonly ms: {
    readonly prefill: number;
    readonly firstToken: number | null; // from the start of prefill
    readonly decode: number; // the loop, prompt excluded
    readonly draft: number | null; // parts of decode; null where a peer does not tell
    readonly verify: number | null;
    readonly own: number | null;
  };
  readonly passes: PassSizes | null; // null where a peer does not tell
  readonly speculation: Speculation | null; // null where a peer does not tell
  readonly logProbSum: number | null; // raw, over the emitted tokens; null: not scored
  readonly joules: number | null; // of the decoding loop, idle power included
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
  readonly drafted: number; // tokens
  readonly accepted: number; // tokens
  readonly draftedByPosition: readonly number[]; // steps whose draft reached the position
  readonly acceptedByPosition: readonly number[]; // steps that kept it
}

/** Time per token of another contender ÷ that of this one, on the prompts that both wrote on from. */
export interface SpeedUps {
  readonly autoregressive: Estimate | null; // on the same engine where it ran there
  readonly speculative: Estimate | null; // likewise; of the same draft length if there were several
  readonly predictor: Estimate | null; // node-llama-cpp's DraftSequenceTokenPredictor
}

/** All generations of one contender taken together; null = not measured, or there is no such thing. */
export interface ContenderSummary extends Contender {
  readonly generations: number;
  readonly tokens: number; // emitted in all
  readonly targetPasses: number | null;
  readonly tokensPerSecond: Estimate | null; // emitted tokens ÷ seconds of the decoding loops, of all texts together
  readonly speedUp: SpeedUps;
  readonly firstTokenMs: number | null; // median
  readonly blockEfficiency: number | null; // tokens per target pass
  readonly acceptanceRate: number | null; // [0, 1]
  readonly acceptanceByPosition: Ratios['acceptanceByPosition']; // [0, 1], of the steps whose draft reached the position
  readonly msPerToken: Ratios['msPerToken']; // the parts of the time that an emitted token takes
  /** Time that its passes cost bare ÷ time it took: 1 = nothing is lost. */
  readonly achievedOfPossible: number | null;
  readonly perplexity: Estimate | null; // under the target, temperature 1, nothing cut
  readonly distinct: readonly (number | null)[]; // distinct-1, -2, -3: different n-grams ÷ n-grams, [0, 1]
  /** net: idle power subtracted; null where that is not known. */
  readonly joulesPerToken: { readonly gross: number; readonly net: number | null } | null;
}
