import type {
  BenchmarkReport,
  ContenderSummary,
  Estimate,
  Generation,
  Speculation,
  SpeedUps,
} from '../../src/benchmark/report.js';
import { fakeSummary, reportOf } from './fake-generation.js';

/** A made-up report of two engines with all that a report can hold. Its summaries do not follow from its generations. */
export function fakeReport(changes: Partial<BenchmarkReport> = {}): BenchmarkReport {
  return { ...REPORT, ...changes };
}

/** A contender of which nothing is known but what is given. */
export function fakeContender(changes: Partial<ContenderSummary>): ContenderSummary {
  return fakeSummary({ generations: 4, tokens: 512, tokensPerSecond: null, distinct: [], ...changes });
}

function overAutoregressive(autoregressive: Estimate | null): SpeedUps {
  return { autoregressive, speculative: null, predictor: null };
}

const CONTENDERS: readonly ContenderSummary[] = [
  fakeContender({
    name: 'autoregressive',
    targetPasses: 512,
    tokensPerSecond: { value: 41.2, low: 40.6, high: 41.8 },
    speedUp: overAutoregressive({ value: 1, low: 1, high: 1 }),
    firstTokenMs: 61.5,
    blockEfficiency: 1,
    msPerToken: { draft: 0, verify: 24.1, own: 0.17 },
    achievedOfPossible: 0.99,
    perplexity: { value: 6.81, low: 6.12, high: 7.6 },
    distinct: [0.44, 0.86, 0.97],
    joulesPerToken: { gross: 1.31, net: 0.92 },
  }),
  fakeContender({
    name: 'speculative k=4',
    targetPasses: 196,
    tokensPerSecond: { value: 68.9, low: 63.8, high: 74.0 },
    speedUp: overAutoregressive({ value: 1.67, low: 1.55, high: 1.8 }),
    firstTokenMs: 64.2,
    blockEfficiency: 2.61,
    acceptanceRate: 0.41,
    acceptanceByPosition: [0.68, 0.46, 0.31, 0.2],
    msPerToken: { draft: 9.8, verify: 27.4, own: 0.61 },
    achievedOfPossible: 0.96,
    perplexity: { value: 6.74, low: 6.08, high: 7.5 },
    distinct: [0.44, 0.85, 0.97],
    joulesPerToken: { gross: 0.88, net: 0.64 },
  }),
  fakeContender({
    name: 'mtad k=4 w=4 tau=0.5',
    targetPasses: 148,
    tokensPerSecond: { value: 74.6, low: 68.2, high: 81.0 },
    speedUp: overAutoregressive({ value: 1.81, low: 1.66, high: 1.97 }),
    firstTokenMs: 66,
    blockEfficiency: 3.46,
    acceptanceRate: 0.63,
    acceptanceByPosition: [0.83, 0.7, 0.57, 0.42],
    msPerToken: { draft: 17.2, verify: 27.9, own: 1.28 },
    achievedOfPossible: 0.94,
    perplexity: { value: 3.12, low: 2.81, high: 3.46 },
    distinct: [0.39, 0.77, 0.93],
    joulesPerToken: { gross: 0.81, net: 0.58 },
  }),
  fakeContender({
    name: 'mmtad k=4 w=4 tau=0.5',
    targetPasses: 132,
    tokensPerSecond: { value: 69.7, low: 63.7, high: 75.7 },
    speedUp: overAutoregressive({ value: 1.69, low: 1.57, high: 1.83 }),
    firstTokenMs: 66.4,
    blockEfficiency: 3.88,
    acceptanceRate: 0.7,
    acceptanceByPosition: [0.9, 0.79, 0.64, 0.48],
    msPerToken: { draft: 17.4, verify: 36.2, own: 2.03 },
    achievedOfPossible: 0.93,
    perplexity: { value: 2.94, low: 2.66, high: 3.25 },
    distinct: [0.38, 0.76, 0.93],
    joulesPerToken: { gross: 0.86, net: 0.61 },
  }),
  fakeContender({
    name: 'greedy',
    role: 'baseline',
    targetPasses: 512,
    tokensPerSecond: { value: 41.4, low: 40.9, high: 41.9 },
    speedUp: overAutoregressive({ value: 1, low: 0.99, high: 1.02 }),
    firstTokenMs: 61.2,
    blockEfficiency: 1,
    msPerToken: { draft: 0, verify: 24, own: 0.12 },
    achievedOfPossible: 0.99,
    perplexity: { value: 1.74, low: 1.61, high: 1.9 },
    distinct: [0.21, 0.38, 0.49],
    joulesPerToken: { gross: 1.3, net: 0.92 },
  }),
  fakeContender({
    name: 'autoregressive',
    engine: 'bindings',
    targetPasses: 512,
    tokensPerSecond: { value: 39.8, low: 39.1, high: 40.5 },
    speedUp: overAutoregressive({ value: 1, low: 1, high: 1 }),
    firstTokenMs: 63.1,
    blockEfficiency: 1,
    msPerToken: { draft: 0, verify: 24.7, own: 0.42 },
    achievedOfPossible: 0.96,
    perplexity: { value: 6.81, low: 6.12, high: 7.6 },
    distinct: [0.44, 0.86, 0.97],
    joulesPerToken: { gross: 1.35, net: 0.95 },
  }),
  fakeContender({
    name: 'mtad k=4 w=4 tau=0.5',
    engine: 'bindings',
    targetPasses: 148,
    tokensPerSecond: { value: 52.7, low: 47.8, high: 57.6 },
    speedUp: overAutoregressive({ value: 1.32, low: 1.21, high: 1.44 }),
    firstTokenMs: 69.8,
    blockEfficiency: 3.46,
    acceptanceRate: 0.63,
    acceptanceByPosition: [0.82, 0.69, 0.57, 0.43],
    msPerToken: { draft: 31.5, verify: 30.2, own: 3.9 },
    achievedOfPossible: 0.71,
    perplexity: { value: 3.13, low: 2.83, high: 3.47 },
    distinct: [0.39, 0.77, 0.93],
    joulesPerToken: { gross: 1.12, net: 0.79 },
  }),
  fakeContender({
    name: 'token predictor',
    engine: 'node-llama-cpp',
    role: 'peer',
    tokensPerSecond: { value: 60.2, low: 55.8, high: 64.6 },
    firstTokenMs: 70.4,
    perplexity: { value: 6.9, low: 6.2, high: 7.7 },
    distinct: [0.45, 0.86, 0.97],
    joulesPerToken: { gross: 0.97, net: 0.7 },
  }),
];

/** Two prompts, each written on from twice by each contender. */
const GENERATIONS: readonly Generation[] = CONTENDERS.flatMap((one) =>
  ['1', '2'].flatMap((prompt) => [0, 1].map((repetition) => generation(one, prompt, repetition))),
);

function generation(one: ContenderSummary, prompt: string, repetition: number): Generation {
  const { name, engine, msPerToken, perplexity } = one;
  const speculation = speculationOf(one);
  const part = (ms: number | undefined) => (ms !== undefined && speculation ? ms * 128 : null);
  return {
    contender: name,
    engine,
    prompt,
    repetition,
    seed: 1 + repetition,
    promptTokens: 18,
    tokens: Array.from({ length: 128 }, (_, i) => (7 * i + 31 * repetition) % 2048),
    text: `, ${name} wrote on ${engine}: ${'the little cat sat down and looked at the sea. '.repeat(9)}`,
    finishReason: 'length',
    ms: {
      prefill: 60,
      firstToken: one.firstTokenMs,
      decode: 128_000 / one.tokensPerSecond!.value,
      draft: part(msPerToken?.draft),
      verify: part(msPerToken?.verify),
      own: part(msPerToken?.own),
    },
    passes: null,
    speculation,
    logProbSum: perplexity && -128 * Math.log(perplexity.value),
    joules: 110,
  };
}

function speculationOf({ targetPasses, acceptanceByPosition: rates }: ContenderSummary): Speculation | null {
  if (targetPasses === null) return null;
  const steps = targetPasses / 4;
  const acceptedByPosition = rates.map((rate) => Math.round(rate! * steps));
  return {
    steps,
    targetPasses: steps,
    draftPasses: steps * rates.length,
    drafted: steps * rates.length,
    accepted: acceptedByPosition.reduce((a, b) => a + b, 0),
    draftedByPosition: rates.map(() => steps),
    acceptedByPosition,
  };
}

const REPORT: BenchmarkReport = {
  schema: 2,
  complete: true,
  started: '2026-02-03T14:05:00.000Z',
  seconds: 724.5,
  machine: {
    cpu: 'AMD EPYC 9654',
    processors: 2,
    memoryGb: 15.6,
    system: 'Linux 6.1.0',
    backend: 'cpu',
    gpus: [],
  },
  versions: { mtad: '0.1.0', node: '20.19.0', nodeLlamaCpp: '3.21.1', llamaCpp: 'b9999' },
  models: {
    target: {
      file: 'stories-target-f16.gguf',
      bytes: 11_412_480,
      architecture: 'llama',
      caveat: 'padded to the cost of a large model; it still writes like the small one that it holds',
    },
    draft: { file: 'stories-draft-f16.gguf', bytes: 909_312, architecture: 'llama', caveat: null },
  },
  conditions: {
    ...reportOf([]).conditions,
    prompts: 'built-in',
    used: 2,
    skipped: [{ id: '3', reason: 'its 2,190 tokens do not fit the context' }],
    repetitions: 2,
    maxTokens: 128,
    ignoreEos: true,
    temperature: 1,
    topK: 20,
    topP: 0.9,
    seed: 1,
  },
  energy: { source: 'RAPL package-0', reason: null, idleWatts: 16.2 },
  passes: [
    { engine: 'direct', model: 'target', tokens: 1, ms: 24 },
    { engine: 'direct', model: 'target', tokens: 5, ms: 27.1 },
    { engine: 'direct', model: 'target', tokens: 17, ms: 35.8 },
    { engine: 'direct', model: 'draft', tokens: 1, ms: 2.4 },
    { engine: 'direct', model: 'draft', tokens: 4, ms: 4.1 },
    { engine: 'bindings', model: 'target', tokens: 1, ms: 24.5 },
    { engine: 'bindings', model: 'target', tokens: 5, ms: 28.4 },
  ],
  contenders: CONTENDERS,
  recommendation:
    'mtad k=4 w=4 tau=0.5 on the direct engine is the fastest here, 1.81 times as fast as autoregressive [1.66, 1.97], and its text is likelier to the target than sampling makes it (perplexity 3.12 against 6.81).',
  recommended: { name: 'mtad k=4 w=4 tau=0.5', engine: 'direct' },
  prompts: [
    { id: '1', text: 'Once upon a time' },
    {
      id: '2',
      text: 'The cat <b>sat</b>\n  on the mat, and thought of all that it had seen since the morning came',
    },
  ],
  generations: GENERATIONS,
};
