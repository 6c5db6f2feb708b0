import type { CacheManager } from '../decoding/cache-manager.js';
import { certain } from '../math/distribution.js';
import type { Draft, Prefix } from '../types.js';
import type { CostCurve, CostCurves, PassTime } from './cost-curves.js';

/**
 * Widths of the target's passes besides 1, the most informative first, in case time is short. Costs are a staircase: kernels
 * take four or eight rows at once, and what is left over row by row, so that 8 rows may cost less than 5. By the widths just
 * above a step alone, no draft would seem to pay.
 */
const TARGET_ROWS = [8, 4, 16, 5, 12, 9, 2, 17, 3, 13];

/** Raised where costs are measured otherwise than before, so that kept ones are measured again. */
export const MEASUREMENT = 2;

/** Draft length from which the cost of one more token is estimated. */
const LAYERS = 4;

/** Number of rows in which the draft model reads the tokens committed since its last draft. */
const CATCH_UP = 9;

/** Number of tokens behind the text that must fit, for the widest pass. */
export const ROOM_TO_MEASURE = Math.max(...TARGET_ROWS) - 1;

/** Number of passes of each width that count, where there is time. */
const PASSES = 5;

/**
 * Milliseconds below which a pass counts only if one of the same width came right before: then llama.cpp keeps its graph, as in
 * plain decoding. In a longer pass the making of a graph is a small part.
 */
const SHORT = 20;

/** Milliseconds of steps before anything counts, or one step, since mtad's own code is slow until it is compiled. */
const WARM_UP = 200;

/** The most milliseconds for each curve. The first two widths are always measured. */
const BUDGET = { target: 2000, draft: 400, unread: 100 };

/** The parts of a step of the loop, so that the same work is timed. */
export interface Rehearsal {
  /** Drafts `guesses` tokens behind the prompt. */
  readonly guess: (guesses: number) => Promise<Draft>;
  /** Evaluates a draft with the target, and rolls both caches back to the prompt. */
  readonly judge: (draft: Draft) => Promise<void>;
  /** A clock, in milliseconds. */
  readonly now: () => number;
  /** Ends the measurement after the running part. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Measures the passes of both models behind this text, with planning, reading and the rest of mtad's own work. It takes at
 * most some three seconds, or as long as a slow model needs for two widths. Other texts may be written at the same time; the
 * time of waiting for them does not count.
 * @param beamWidth beams that the draft model grows at once, >= 1
 * @returns undefined where the signal has ended it
 */
export async function measureCosts(
  cache: CacheManager,
  prefix: Prefix,
  beamWidth: number,
  rehearsal: Rehearsal,
): Promise<CostCurves | undefined> {
  const { guess, judge, now, signal } = rehearsal;
  const fits = (rows: number) => rows - 1 <= cache.capacity - prefix.length;
  const stopwatch = new Stopwatch(cache, now, signal);
  const warm = now() + WARM_UP;
  while (fits(LAYERS + 1) && now() < warm && !signal?.aborted) await judge(await guess(LAYERS));
  const target = await stopwatch.curve(
    BUDGET.target,
    [1, ...TARGET_ROWS.filter(fits)],
    async (rows, timed) => {
      if (rows > 1) await guess(Math.min(rows - 1, LAYERS)); // a wide pass always follows a draft
      const chain = chainOf(prefix, rows - 1);
      await timed(() => judge(chain));
    },
  );
  const { draft } = cache;
  if (!draft) return signal?.aborted ? undefined : { target, draft: undefined };
  const layers = await stopwatch.curve(
    BUDGET.draft,
    [1, Math.min(LAYERS, draft.reach)].filter((length) => fits(length + 1)),
    async (length, timed) => {
      await judge(chainOf(prefix, length)); // a draft always follows a pass of the target
      await timed(() => guess(length));
    },
  );
  const unread = await stopwatch.curve(BUDGET.unread, [CATCH_UP].filter(fits), async (rows, timed) => {
    const chain = chainOf(prefix, rows - 1);
    await timed(() => draft.evaluate(prefix, chain, [rows - 2], { top: 1, logSumExp: false }));
    cache.rollback(prefix);
  });
  return signal?.aborted ? undefined : { target, draft: withoutNoise(draftCurve(layers, beamWidth, unread)) };
}

/** Returns the costs of the draft model's passes, from those of drafts of one token and of several. */
function draftCurve([first, several]: CostCurve, beamWidth: number, unread: CostCurve): CostCurve {
  const one = first ?? { rows: 1, ms: 0 };
  if (!several) return [one, ...unread];
  const layer = {
    rows: beamWidth,
    ms: (several.ms - one.ms) / (several.rows - 1),
    insideMs: (several.insideMs! - one.insideMs!) / (several.rows - 1), // as the stopwatch tells it
  };
  return beamWidth === 1 ? [layer, ...unread] : [one, layer, ...unread];
}

/** Carries out an action once for a size, and times the part that counts. */
type Act = (size: number, timed: (part: () => Promise<unknown>) => Promise<void>) => Promise<void>;

/** Times an action for several sizes. */
class Stopwatch {
  readonly #cache: CacheManager;
  readonly #now: () => number;
  readonly #signal: AbortSignal | undefined;

  constructor(cache: CacheManager, now: () => number, signal: AbortSignal | undefined) {
    this.#cache = cache;
    this.#now = now;
    this.#signal = signal;
  }

  /** @param budget milliseconds */
  async curve(budget: number, sizes: readonly number[], act: Act): Promise<CostCurve> {
    const started = this.#now();
    const times = new Map<number, PassTime[]>(sizes.map((rows) => [rows, []]));
    // The sizes take turns, so that a machine that is slow for a while is slow for all of them.
    for (let turn = 0; turn < PASSES; turn++)
      for (const [n, rows] of sizes.entries()) {
        const isKnown = turn > 0 || n >= 2;
        if (this.#signal?.aborted || (isKnown && this.#now() - started >= budget)) break;
        const first = await this.#timed(rows, act);
        times.get(rows)!.push(first.ms < SHORT ? await this.#timed(rows, act) : first);
      }
    const known = [...times.values()].filter((passes) => passes.length > 0).map(usual);
    return withoutNoise(known.sort((a, b) => a.rows - b.rows));
  }

  async #timed(rows: number, act: Act): Promise<PassTime> {
    let taken: PassTime = { rows, ms: 0 };
    await act(rows, async (part) => {
      const [started, before] = [this.#now(), workOf(this.#cache)];
      await part();
      const after = workOf(this.#cache);
      const ms = this.#now() - started - (after.waitMs - before.waitMs);
      taken = { rows, ms, insideMs: after.ms - before.ms };
    });
    return taken;
  }
}

/** Returns the median time, of two the shorter one: nothing makes a pass faster than it is. */
function usual(times: readonly PassTime[]): PassTime {
  return times.toSorted((a, b) => a.ms - b.ms)[(times.length - 1) >> 1]!;
}

function workOf({ target, draft }: CacheManager) {
  return {
    ms: target.work.ms + (draft?.work.ms ?? 0),
    waitMs: target.work.waitMs + (draft?.work.waitMs ?? 0),
  };
}

/**
 * Returns the curve with every time lowered to those of wider passes. More rows that cost less are noise, or the end of a step
 * of kernels: then a draft goes on to that width, and what lies before it is never judged.
 */
export function withoutNoise(curve: CostCurve): CostCurve {
  return curve.map(({ rows }, i) => {
    const wider = curve.slice(i);
    const inside = wider.flatMap(({ insideMs }) => insideMs ?? []);
    const ms = Math.min(...wider.map((cost) => cost.ms));
    return { rows, ms, ...(inside.length > 0 && { insideMs: Math.min(...inside) }) };
  });
}

/** Returns a chain of guesses, made of tokens of the text. */
function chainOf(prefix: Prefix, length: number): Draft {
  return Array.from({ length }, (_, i) => {
    const token = prefix[i % prefix.length]!;
    return { token, parent: i - 1, q: certain(token) };
  });
}
