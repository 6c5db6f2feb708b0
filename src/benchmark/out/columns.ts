import type { BenchmarkReport, ContenderSummary, Estimate } from '../report.js';

/** One column of the table, the same on a terminal, in Markdown and on the page. */
export interface Column {
  readonly head: string;
  /** For a legend. */
  readonly meaning: string;
  readonly align: 'left' | 'right';
  /** Shown where there is little room. */
  readonly essential: boolean;
  readonly value: (summary: ContenderSummary) => string;
  /** The 95 % interval of the value; '' where it is not known. */
  readonly range?: (summary: ContenderSummary) => string;
}

/** The value, and its interval in brackets. */
export function cellOf({ value, range }: Column, one: ContenderSummary): string {
  const bounds = range?.(one);
  return bounds ? `${value(one)} (${bounds})` : value(one);
}

const NOTHING = '-';

/** Of a draft, as many as there is room for. */
const MOST_POSITIONS = 8;

/** Quality and energy stand beside speed: neither is to be read without the other. */
const COLUMNS: readonly Column[] = [
  {
    head: 'setting',
    essential: true,
    meaning: 'strategy and settings',
    align: 'left',
    value: ({ name }) => name,
  },
  {
    head: 'engine',
    essential: true,
    meaning: 'how llama.cpp is called',
    align: 'left',
    value: ({ engine }) => engine,
  },
  {
    head: 'tokens',
    essential: false,
    meaning: 'tokens generated, over all prompts',
    align: 'right',
    value: ({ tokens }) => String(tokens),
  },
  {
    head: 'tokens/s',
    essential: true,
    meaning:
      'emitted tokens ÷ seconds of the decoding loop, prompt excluded, of all texts together; in brackets its 95 % interval ' +
      'over prompts, from low to high',
    align: 'right',
    ...estimated(({ tokensPerSecond }) => tokensPerSecond, digits),
  },
  {
    head: 'speed-up',
    essential: true,
    meaning:
      'tokens/s ÷ those of autoregressive on the same prompts, and on the same engine where it ran there; in brackets its ' +
      '95 % interval',
    align: 'right',
    ...estimated(({ speedUp }) => speedUp.autoregressive),
  },
  {
    head: 'perplexity',
    essential: true,
    meaning:
      'of the text under the target, temperature 1, nothing cut; in brackets its 95 % interval over prompts',
    align: 'right',
    ...estimated(({ perplexity }) => perplexity),
  },
  {
    head: 'distinct-2',
    essential: true,
    meaning: 'different pairs of neighbouring tokens ÷ pairs: low where a text repeats itself',
    align: 'right',
    value: ({ distinct }) => fixed(distinct[1] ?? null, 2),
  },
  {
    head: 'J/token',
    essential: true,
    meaning: 'energy of the decoding loop, idle power subtracted; in brackets with it',
    align: 'right',
    value: ({ joulesPerToken: j }) =>
      j ? `${j.net === null ? '?' : digits(j.net)} (${digits(j.gross)})` : NOTHING,
  },
  {
    head: '/ speculative',
    essential: false,
    meaning: 'tokens/s ÷ those of speculative sampling of the same draft length, on the same prompts',
    align: 'right',
    ...estimated(({ speedUp }) => speedUp.speculative),
  },
  {
    head: '/ predictor',
    essential: false,
    meaning: "tokens/s ÷ those of node-llama-cpp's DraftSequenceTokenPredictor, on the same prompts",
    align: 'right',
    ...estimated(({ speedUp }) => speedUp.predictor),
  },
  {
    head: 'passes',
    essential: false,
    meaning: 'passes of the target model',
    align: 'right',
    value: ({ targetPasses }) => (targetPasses === null ? NOTHING : String(targetPasses)),
  },
  {
    head: 'first token',
    essential: false,
    meaning: 'milliseconds from the start of the prompt, median',
    align: 'right',
    value: ({ firstTokenMs: ms }) => (ms === null ? NOTHING : `${digits(ms)} ms`),
  },
  {
    head: 'per pass',
    essential: true,
    meaning: 'tokens per pass of the target (block efficiency)',
    align: 'right',
    value: ({ blockEfficiency }) => fixed(blockEfficiency, 2),
  },
  {
    head: 'accepted',
    essential: true,
    meaning: 'drafted tokens that were kept (acceptance rate)',
    align: 'right',
    value: (one) => (one.traits?.mayRefuse ? fixed(one.acceptanceRate, 2) : NOTHING),
  },
  {
    head: 'by position',
    essential: false,
    meaning: `the same at each position of the draft, the first ${MOST_POSITIONS} at most, over the steps whose draft came so far`,
    align: 'right',
    value: (one) => (one.traits?.mayRefuse ? positions(one.acceptanceByPosition) : NOTHING),
  },
  {
    head: 'draft/verify/own',
    essential: false,
    meaning: 'share of the time in the draft model, in the target, in mtad itself, in percent',
    align: 'right',
    value: ({ msPerToken }) => (msPerToken ? shares(msPerToken) : NOTHING),
  },
  {
    head: 'of possible',
    essential: false,
    meaning:
      'time that the same passes take bare ÷ time taken; above 1: noise, or passes that ran faster in the loop than alone',
    align: 'right',
    value: ({ achievedOfPossible }) => fixed(achievedOfPossible, 2),
  },
];

/** Those with something to tell: no engine where there is but one, no column of dashes. */
export function columnsOf({ contenders }: Pick<BenchmarkReport, 'contenders'>): Column[] {
  const engines = new Set(contenders.map(({ engine }) => engine));
  return COLUMNS.filter(({ head, value }) =>
    head === 'engine' ? engines.size > 1 : contenders.some((one) => value(one) !== NOTHING),
  );
}

/** Three figures that count: 1234, 123, 12.3, 1.23. */
export function digits(value: number): string {
  const size = Math.abs(value);
  return value.toFixed(size >= 100 ? 0 : size >= 10 ? 1 : 2);
}

/** The value and its 95 % interval: '1.81 (1.66 to 1.97)'. */
export function estimateText(estimate: Estimate, show: (value: number) => string = hundredths): string {
  const range = rangeText(estimate, show);
  return range ? `${show(estimate.value)} (${range})` : show(estimate.value);
}

/** From low to high: half of it to either side would say more than is known of a skewed figure. '' where it is not known. */
export function rangeText(
  { low, high }: Omit<Estimate, 'value'>,
  show: (value: number) => string = hundredths,
): string {
  return low === null || high === null ? '' : `${show(low)} to ${show(high)}`;
}

function estimated(
  of: (one: ContenderSummary) => Estimate | null,
  show = hundredths,
): Required<Pick<Column, 'value' | 'range'>> {
  return {
    value: (one) => {
      const estimate = of(one);
      return estimate ? show(estimate.value) : NOTHING;
    },
    range: (one) => rangeText(of(one) ?? { low: null, high: null }, show),
  };
}

/** 0.78/0.61/0.45 */
function positions(rates: ContenderSummary['acceptanceByPosition']): string {
  const shown = rates.slice(0, MOST_POSITIONS).map((rate) => fixed(rate, 2));
  return shown.length > 0 ? shown.join('/') : NOTHING;
}

function hundredths(value: number): string {
  return value.toFixed(2);
}

function fixed(value: number | null, places: number): string {
  return value === null ? NOTHING : value.toFixed(places);
}

function shares({ draft, verify, own }: NonNullable<ContenderSummary['msPerToken']>): string {
  const total = draft + verify + own;
  return [draft, verify, own].map((ms) => Math.round((100 * ms) / total)).join('/');
}
