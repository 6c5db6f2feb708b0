import type { Written } from './writer.js';

/** The counters since the server began, and their help texts. The names are those of vLLM, with mtad in front. */
const COUNTERS = {
  requests_total: 'requests, by endpoint and status',
  request_success_total: 'texts, by the reason why they ended',
  prompt_tokens_total: 'tokens of prompts',
  generation_tokens_total: 'tokens written',
  prefix_cache_queries_total: 'tokens of prompts that were looked for in the caches',
  prefix_cache_hits_total: 'tokens of prompts that were there',
  target_passes_total: 'passes of the target model while texts were written',
  spec_decode_num_drafts_total: 'drafts',
  spec_decode_num_draft_tokens_total: 'drafted tokens',
  spec_decode_num_accepted_tokens_total: 'drafted tokens that were kept',
  spec_decode_num_accepted_tokens_per_pos_total: 'drafted tokens that were kept, by position in the draft',
  decode_seconds_total: 'time in which texts were written, after their prompts were read',
  drifted_texts_total: 'texts up to which the draft model had fallen behind its profile',
  queue_seconds_total: 'time that texts waited for their turn',
} as const;

type Counter = keyof typeof COUNTERS;
type Labels = Readonly<Record<string, string | number>>;

/** Upper bounds of the times to the first token, in seconds, the same as those of vLLM. */
const BOUNDS = [
  0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80,
];

/** The counts of a server, for Prometheus. */
export class Metrics {
  /** By counter, then by labels as Prometheus writes them. */
  readonly #counts = new Map<Counter, Map<string, number>>();
  /** Times from the request to the first token, in seconds: their number up to each bound, their number, and their sum. */
  readonly #firstTokens = { upTo: BOUNDS.map(() => 0), count: 0, sum: 0 };

  /** Counts an answer to a request. */
  answered(endpoint: string, status: number): void {
    this.#add('requests_total', 1, { endpoint, status });
  }

  /** Counts a text. */
  wrote({ result, promptTokens, queueMs }: Written): void {
    const { counters, evaluated, finishReason, firstTokenMs, drift } = result;
    this.#add('request_success_total', 1, { finished_reason: finishReason });
    this.#add('prompt_tokens_total', promptTokens);
    this.#add('generation_tokens_total', counters.emitted);
    const mayBeUnread = finishReason === 'interrupted' && firstTokenMs === null;
    if (!mayBeUnread) {
      this.#add('prefix_cache_queries_total', promptTokens);
      this.#add('prefix_cache_hits_total', promptTokens - evaluated.target);
    }
    this.#add('target_passes_total', counters.targetPasses);
    this.#add('spec_decode_num_drafts_total', counters.draftedByPosition[0] ?? 0);
    this.#add('spec_decode_num_draft_tokens_total', counters.drafted);
    this.#add('spec_decode_num_accepted_tokens_total', counters.accepted);
    for (const [position, count] of counters.acceptedByPosition.entries())
      this.#add('spec_decode_num_accepted_tokens_per_pos_total', count, { position });
    this.#add('drifted_texts_total', drift?.fall ? 1 : 0);
    this.#add('decode_seconds_total', counters.ms.decode / 1000);
    this.#add('queue_seconds_total', queueMs / 1000);
    if (firstTokenMs !== null) this.#firstToken((queueMs + firstTokenMs) / 1000);
  }

  /** Returns the counts, and the numbers of running and waiting texts, in Prometheus' format. */
  text({ running, waiting }: { readonly running: number; readonly waiting: number }): string {
    return [
      ...family('num_requests_running', 'gauge', 'texts that are being written', [['', running]]),
      ...family('num_requests_waiting', 'gauge', 'texts that wait for their turn', [['', waiting]]),
      ...Object.entries(COUNTERS).flatMap(([name, help]) =>
        family(name, 'counter', help, this.#counts.get(name as Counter) ?? []),
      ),
      ...this.#histogram(),
      '',
    ].join('\n');
  }

  #add(name: Counter, count: number, labels: Labels = {}): void {
    const counts = this.#counts.get(name) ?? new Map<string, number>();
    this.#counts.set(name, counts);
    const key = inBraces(labels);
    counts.set(key, (counts.get(key) ?? 0) + count);
  }

  #firstToken(seconds: number): void {
    const times = this.#firstTokens;
    for (const [i, bound] of BOUNDS.entries()) if (seconds <= bound) times.upTo[i]!++;
    times.count++;
    times.sum += seconds;
  }

  #histogram(): string[] {
    const { upTo, count, sum } = this.#firstTokens;
    return family('time_to_first_token_seconds', 'histogram', 'time from the request to the first token', [
      ...BOUNDS.map((le, i) => [`_bucket${inBraces({ le })}`, upTo[i]!] as const),
      [`_bucket${inBraces({ le: '+Inf' })}`, count],
      ['_sum', sum],
      ['_count', count],
    ]);
  }
}

function family(
  name: string,
  type: string,
  help: string,
  samples: Iterable<readonly [labels: string, value: number]>,
): string[] {
  const lines = [...samples].map(([labels, value]) => `mtad_${name}${labels} ${value}`);
  return [`# HELP mtad_${name} ${help}`, `# TYPE mtad_${name} ${type}`, ...lines];
}

function inBraces(labels: Labels): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${value}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}
