import type {
  BenchmarkReport,
  Contender,
  ContenderSummary,
  Estimate,
  Generation,
} from '../../src/benchmark/report.js';
import { strategyNamed } from '../../src/strategies/index.js';

/** Four tokens by plain sampling in 100 ms. */
export function fakeGeneration(rest: Partial<Generation> = {}): Generation {
  return {
    contender: 'autoregressive',
    engine: 'direct',
    prompt: '1',
    repetition: 0,
    seed: 1,
    promptTokens: 5,
    tokens: [1, 2, 3, 4],
    text: ' a b c d',
    finishReason: 'length',
    ms: { prefill: 10, firstToken: 15, decode: 100, draft: 0, verify: 90, own: 10 },
    passes: { target: [[1, 4]], draft: [] },
    speculation: {
      steps: 4,
      targetPasses: 4,
      draftPasses: 0,
      drafted: 0,
      accepted: 0,
      draftedByPosition: [],
      acceptedByPosition: [],
    },
    logProbSum: -4,
    joules: null,
    ...rest,
  };
}

/** So many tokens in so many milliseconds. */
export function timed(tokens: number, decode: number, rest: Partial<Generation> = {}): Generation {
  return fakeGeneration({
    tokens: Array.from({ length: tokens }, (_, i) => i),
    ms: { ...fakeGeneration().ms, decode },
    ...rest,
  });
}

/** What only a peer leaves untold. */
export const UNTOLD: Partial<Generation> = { passes: null, speculation: null };

/** An interval of half a unit to both sides. */
export function about(value: number, half = 0.5): Estimate {
  return { value, low: value - half, high: value + half };
}

/** Baselines of plain sampling by their names. */
const TEMPERATURES = new Map([
  ['greedy', 0],
  ['temperature 0.7', 0.7],
]);

/** A contender of that name: its first word is the strategy, k= the draft length. */
export function contenderOf(
  name: string,
  { engine = 'direct', role = 'strategy' }: Partial<Pick<Contender, 'engine' | 'role'>> = {},
): Contender {
  const draftLength = Number(/ k=(\d+)/.exec(name)?.[1] ?? 0);
  const temperature = TEMPERATURES.get(name);
  const strategy = temperature === undefined ? name.split(' ')[0]! : 'autoregressive';
  const { isLossless = false, mayRefuse = true, look = null } = strategyNamed(strategy) ?? {};
  return {
    name,
    engine,
    role,
    strategy: role === 'peer' ? null : strategy,
    traits: role === 'peer' ? null : { isLossless, mayRefuse, look },
    settings: { ...(draftLength && { draftLength }), ...(temperature !== undefined && { temperature }) },
  };
}

/** A contender of 20 tokens/s of which nothing else is known. */
export function fakeSummary(rest: Partial<ContenderSummary> = {}): ContenderSummary {
  return {
    ...contenderOf(rest.name ?? 'autoregressive', rest),
    generations: 10,
    tokens: 1000,
    targetPasses: null,
    tokensPerSecond: { value: 20, low: 18, high: 22 },
    speedUp: { autoregressive: null, speculative: null, predictor: null },
    firstTokenMs: null,
    blockEfficiency: null,
    acceptanceRate: null,
    acceptanceByPosition: [],
    msPerToken: null,
    achievedOfPossible: null,
    perplexity: null,
    distinct: [null, null, null],
    joulesPerToken: null,
    ...rest,
  };
}

/** A report of these contenders, on a machine that nobody has. */
export function reportOf(
  contenders: readonly ContenderSummary[],
  rest: Partial<BenchmarkReport> = {},
): BenchmarkReport {
  return {
    schema: 2,
    complete: true,
    started: '2026-01-02T03:04:05.678Z',
    seconds: 12.5,
    machine: { cpu: 'Abacus 9', processors: 2, memoryGb: 8, system: 'Linux 6.1', backend: 'cpu', gpus: [] },
    versions: { mtad: '0.1.0', node: '20.19.0', nodeLlamaCpp: '3.21.1', llamaCpp: 'b1' },
    models: {
      target: { file: 'large.gguf', bytes: 4_000_000_000, architecture: 'llama', caveat: null },
      draft: { file: 'small.gguf', bytes: 80_500_000, architecture: 'llama', caveat: null },
    },
    conditions: {
      prompts: 'built-in',
      used: 10,
      skipped: [],
      repetitions: 1,
      maxTokens: 128,
      ignoreEos: false,
      special: false,
      temperature: 1,
      topK: 10,
      topP: 0.9,
      seed: 1,
      threads: null,
      draftThreads: null,
      contextSize: null,
      cacheType: null,
      flashAttention: null,
      gpuLayers: null,
      draftGpuLayers: null,
      chatTemplate: null,
    },
    energy: { source: null, reason: 'CPU not counted: no such counter', idleWatts: null },
    passes: [{ engine: 'direct', model: 'target', tokens: 1, ms: 40 }],
    contenders,
    recommendation: 'Use the abacus.',
    recommended: null,
    prompts: [{ id: '1', text: 'Once upon a time' }],
    generations: [fakeGeneration()],
    ...rest,
  };
}
