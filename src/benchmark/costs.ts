import { mean } from 'simple-statistics';
import type { BatchToken, Context, Keep } from '../engine/passes.js';
import type { TokenId } from '../types.js';
import type { Generation, PassCost } from './report.js';

/** The smallest request to read. */
const BARE = { top: 1, logSumExp: false };

/** Number of passes of a size before the timing. The first builds the graph and wakes the processor; in the next CUDA records it. */
const WARM_UPS = 2;

/** Number of passes of a size that are timed in each round. */
const TIMED = 3;

/**
 * Measures T(k) of one model, the time of a pass of k tokens by itself. The passes are spread over the benchmark, between its
 * generations, so that a slow moment of the machine hits both.
 */
export class PassCosts {
  readonly #context: Context; // of one sequence; of two where it keeps states
  readonly #place: number; // sequence of the timed passes: a state cannot be cut back, so they go on from a copy
  readonly #times = new Map<number, number[]>(); // in ms, by k

  constructor(context: Context) {
    this.#context = context;
    this.#place = context.rollback === Infinity ? 0 : 1;
  }

  /**
   * Measures some passes of each size, in the middle of `text`.
   * @param text tokens of a real text, at least one; they stand before the pass and are evaluated in it
   * @param signal its abort ends the measurement after the running pass
   */
  async measure(text: readonly TokenId[], sizes: Iterable<number>, signal?: AbortSignal): Promise<void> {
    const { capacity } = this.#context;
    const wanted = [...sizes].filter((k) => k < capacity);
    const at = Math.min(text.length >> 1, capacity - Math.max(0, ...wanted));
    const start = { sequence: 0, from: 0, length: 0, alike: 0 };
    await this.#evaluate(start, chain(text, { at: 0, length: at, sequence: 0, wanted: false }));
    for (const k of wanted)
      for (let i = 0; i < WARM_UPS + TIMED; i++) {
        if (signal?.aborted) return;
        const ms = await this.#timed(text, at, k);
        if (i >= WARM_UPS) this.#times.set(k, [...(this.#times.get(k) ?? []), ms]);
      }
  }

  /** Returns the mean for each size. The time of a generation is also a sum that includes slow moments, so no median. */
  costs(): { tokens: number; ms: number }[] {
    return [...this.#times]
      .map(([tokens, times]) => ({ tokens, ms: mean(times) }))
      .sort((a, b) => a.tokens - b.tokens);
  }

  dispose(): Promise<void> {
    return this.#context.dispose();
  }

  /** Returns the time of a pass behind the first `at` tokens, and forgets the tokens of the pass. */
  async #timed(text: readonly TokenId[], at: number, k: number): Promise<number> {
    const sequence = this.#place;
    const before = { sequence, from: 0, length: at, alike: sequence === 0 ? at : 0 };
    const ms = await this.#evaluate(before, chain(text, { at, length: k, sequence, wanted: true }));
    await this.#evaluate(sequence === 0 ? before : { ...before, from: sequence, length: 0 }, []);
    return ms;
  }

  async #evaluate(keep: Keep, batch: readonly BatchToken[]): Promise<number> {
    return (await this.#context.run({ keeps: [keep], batch, read: BARE })).ms;
  }
}

/** Tokens of a text, from a position on. */
function chain(
  text: readonly TokenId[],
  { at, length, sequence, wanted }: { at: number; length: number; sequence: number; wanted: boolean },
): BatchToken[] {
  return Array.from({ length }, (_, i) => {
    const position = at + i;
    return { token: text[position % text.length]!, position, sequences: [sequence], wanted };
  });
}

/**
 * Returns the time of a generation's passes by themselves: the sum of T(k) over target and draft passes. The possible speed-up,
 * E · T(1) ÷ (draft passes + T(rows)), uses this time and adds nothing for our own.
 * @param costs T(k), as far as measured
 * @returns in ms; NaN where the sizes of passes or their costs are not known
 */
export function bareMs({ engine, passes }: Generation, costs: readonly PassCost[]): number {
  if (!passes) return Number.NaN;
  return (['target', 'draft'] as const)
    .flatMap((model) =>
      passes[model].map(([size, count]) => {
        const cost = costs.find((one) => one.engine === engine && one.model === model && one.tokens === size);
        return count * (cost?.ms ?? Number.NaN);
      }),
    )
    .reduce((a, b) => a + b, 0);
}
