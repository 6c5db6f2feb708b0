import { strategyNamed } from '../strategies/index.js';
import { strategyOf } from './names.js';
import type { BenchmarkReport, ContenderSummary, Estimate } from './report.js';

/** One column of the table, the same on a terminal, in Markdown and on the page. */
export interface Column {
  readonly head: string;
  readonly meaning: string; // for a legend
  readonly align: 'left' | 'right';
  readonly essential: boolean; // shown where there is little room
  readonly cell: (summary: ContenderSummary) => string;
}

const NOTHING = '-';

/** Quality and energy stand beside speed: neither is to be read without the other. */
const COLUMNS: readonly Column[] = [
  {
    head: 'setting',
    essential: true,
    meaning: 'strategy and settings',
    align: 'left',
    cell: ({ name }) => name,
  },
  {
    head: 'engine',
    essential: true,
    meaning: 'how llama.cpp is called',
    align: 'left',
    cell: ({ engine }) => engine,
  },
  {
    head: 'tokens',
    essential: false,
    meaning: 'tokens generated, over all prompts',
    align: 'right',
    cell: ({ tokens }) => String(tokens),
  },
  {
    head: 'tokens/s',
    essential: true,
    meaning: 'of the decoding loop, prompt excluded: mean ± standard deviation over generations',
    align: 'right',
    cell: ({ tokensPerSecond: speed }) =>
      speed ? `${digits(speed.mean)}${speed.sd === null ? '' : ` ± ${digits(speed.sd)}`}` : NOTHING,
  },
  {
    head: 'speed-up',
    essential: true,
    meaning:
      'over autoregressive on the same prompts, and on the same engine where it ran there: by time per token of all texts ' +
      'together, hence not the quotient of the means beside it; ± half of its 95 % interval over prompts',
    align: 'right',
    cell: ({ speedUp }) => plusMinus(speedUp.autoregressive),
  },
  {
    head: 'perplexity',
    essential: true,
    meaning:
      'of the text under the target, temperature 1, nothing cut; ± half of its 95 % interval over prompts',
    align: 'right',
    cell: ({ perplexity }) => plusMinus(perplexity),
  },
  {
    head: 'distinct-2',
    essential: true,
    meaning: 'different pairs of neighbouring tokens ÷ pairs: low where a text repeats itself',
    align: 'right',
    cell: ({ distinct }) => fixed(distinct[1] ?? null, 2),
  },
  {
    head: 'J/token',
    essential: true,
    meaning: 'energy of the decoding loop, idle power subtracted; in brackets with it',
    align: 'right',
    cell: ({ joulesPerToken: j }) =>
      j ? `${j.net === null ? '?' : digits(j.net)} (${digits(j.gross)})` : NOTHING,
  },
  {
    head: 'median',
    essential: false,
    meaning: 'median tokens/s',
    align: 'right',
    cell: ({ tokensPerSecond: speed }) => (speed ? digits(speed.median) : NOTHING),
  },
  {
    head: '/ speculative',
    essential: false,
    meaning: 'the same over speculative sampling of the same draft length',
    align: 'right',
    cell: ({ speedUp }) => plusMinus(speedUp.speculative),
  },
  {
    head: '/ predictor',
    essential: false,
    meaning: "the same over node-llama-cpp's DraftSequenceTokenPredictor",
    align: 'right',
    cell: ({ speedUp }) => plusMinus(speedUp.predictor),
  },
  {
    head: 'passes',
    essential: false,
    meaning: 'passes of the target model',
    align: 'right',
    cell: ({ targetPasses }) => (targetPasses === null ? NOTHING : String(targetPasses)),
  },
  {
    head: 'first token',
    essential: false,
    meaning: 'milliseconds from the start of the prompt, median',
    align: 'right',
    cell: ({ firstTokenMs: ms }) => (ms === null ? NOTHING : `${digits(ms)} ms`),
  },
  {
    head: 'per pass',
    essential: true,
    meaning: 'tokens per pass of the target (block efficiency)',
    align: 'right',
    cell: ({ blockEfficiency }) => fixed(blockEfficiency, 2),
  },
  {
    head: 'accepted',
    essential: true,
    meaning: 'drafted tokens that were kept (acceptance rate)',
    align: 'right',
    cell: (one) =>
      (strategyNamed(strategyOf(one))?.mayRefuse ?? true) ? fixed(one.acceptanceRate, 2) : NOTHING,
  },
  {
    head: 'draft/verify/own',
    essential: false,
    meaning: 'share of the time in the draft model, in the target, in mtad itself, in percent',
    align: 'right',
    cell: ({ msPerStep }) => (msPerStep ? shares(msPerStep) : NOTHING),
  },
  {
    head: 'of possible',
    essential: false,
    meaning:
      'time that the same passes take bare ÷ time taken; above 1: noise, or passes that ran faster in the loop than alone',
    align: 'right',
    cell: ({ achievedOfPossible }) => fixed(achievedOfPossible, 2),
  },
];

/** Those with something to tell: no engine where there is but one, no column of dashes. */
export function columnsOf({ contenders }: Pick<BenchmarkReport, 'contenders'>): Column[] {
  const engines = new Set(contenders.map(({ engine }) => engine));
  return COLUMNS.filter(({ head, cell }) =>
    head === 'engine' ? engines.size > 1 : contenders.some((one) => cell(one) !== NOTHING),
  );
}

/** Three figures that count: 1234, 123, 12.3, 1.23. */
export function digits(value: number): string {
  const size = Math.abs(value);
  return value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : 2);
}

/** The value ± half of its 95 % interval. */
export function plusMinus(estimate: Estimate | null): string {
  if (!estimate) return NOTHING;
  const { value, low, high } = estimate;
  return low === null || high === null
    ? value.toFixed(2)
    : `${value.toFixed(2)} ± ${((high - low) / 2).toFixed(2)}`;
}

function fixed(value: number | null, places: number): string {
  return value === null ? NOTHING : value.toFixed(places);
}

function shares({ draft, verify, own }: NonNullable<ContenderSummary['msPerStep']>): string {
  const total = draft + verify + own;
  return [draft, verify, own].map((ms) => Math.round((100 * ms) / total)).join('/');
}
