import type { CacheManager } from '../decoding/cache-manager.js';
import type { ModelCache, NodeReadRequest } from '../decoding/model-cache.js';
import { certain } from '../math/distribution.js';
import { type Draft, type Prefix, ROOT } from '../types.js';
import type { CostCurve, CostCurves, PassTime } from './cost-curves.js';

/** Widths of the target's passes besides 1, those first that tell most where time is short. */
const TARGET_ROWS = [5, 9, 3, 17, 2, 13, 7, 4, 11];

/** Of the draft model besides its beams: what was committed since it drafted last. */
const CATCH_UP = 9;

/** Tokens behind the text for which there must be room, so that the widest of them fits. */
export const ROOM = Math.max(...TARGET_ROWS) - 1;

/** Passes of each width that count. The one before them builds the graph and wakes the processor. */
const COUNTED = 5;

/** Milliseconds for each model, however slow it is; the first two widths are measured in any case. */
const BUDGET = 1000;

/** How passes are timed. */
export interface Timing {
  /** What is read of each row. */
  readonly read: NodeReadRequest;
  /** In milliseconds. */
  readonly now: () => number;
  /** Ends it after the pass that is running. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * What passes of both models cost behind this text, by the clock: with planning, and with reading what the loop reads.
 * Takes a second for each model at most, or as long as a slow one needs for two widths. Other texts may be written at the
 * same time: what is waited for them does not count.
 * @param beamWidth beams that the draft model grows at once, >= 1
 * @returns undefined where it was ended by the signal
 */
export async function measureCosts(
  { target, draft, capacity }: CacheManager,
  prefix: Prefix,
  beamWidth: number,
  timing: Timing,
): Promise<CostCurves | undefined> {
  const fits = (rows: number) => rows - 1 <= capacity - prefix.length;
  const targetRows = TARGET_ROWS.filter(fits);
  const draftRows = [...new Set([Math.max(2, beamWidth), CATCH_UP])].filter(fits);
  const curves = {
    target: await curveOf(target, prefix, targetRows, timing),
    draft: draft && (await curveOf(draft, prefix, draftRows, timing)),
  };
  return timing.signal?.aborted ? undefined : curves;
}

/** @param widths besides 1 */
async function curveOf(
  model: ModelCache,
  prefix: Prefix,
  widths: readonly number[],
  timing: Timing,
): Promise<CostCurve> {
  const started = timing.now();
  const curve: PassTime[] = [];
  for (const rows of [1, ...widths])
    if (!timing.signal?.aborted && (curve.length < 2 || timing.now() - started < BUDGET))
      curve.push(await timeOf(model, prefix, rows, timing));
  return withoutNoise(curve.sort((a, b) => a.rows - b.rows));
}

/** Other work of the machine only ever adds time, and no pass is dearer than one with more rows. */
export function withoutNoise(curve: CostCurve): CostCurve {
  return curve.map(({ rows }, i) => {
    const wider = curve.slice(i);
    const inside = wider.flatMap(({ insideMs }) => insideMs ?? []);
    const ms = Math.min(...wider.map((cost) => cost.ms));
    return { rows, ms, ...(inside.length > 0 && { insideMs: Math.min(...inside) }) };
  });
}

/** The shortest time of a pass that evaluates so many rows and reads them all. */
async function timeOf(
  model: ModelCache,
  prefix: Prefix,
  rows: number,
  { read, now, signal }: Timing,
): Promise<PassTime> {
  // Beams where the model has sequences for them, else a chain: each its usual shape.
  const isFan = model.held.length >= rows && rows > 1;
  const tree = isFan ? fan(prefix, rows) : chain(prefix, rows - 1);
  const wanted = isFan ? [...tree.keys()] : [ROOT, ...tree.keys()];
  let best: PassTime = { rows, ms: Number.POSITIVE_INFINITY };
  for (let pass = 0; pass <= COUNTED && !signal?.aborted; pass++) {
    if (isFan) await model.evaluate(prefix, [], [ROOT], read); // what the beams stand on
    const [started, before] = [now(), model.work];
    await model.evaluate(prefix, tree, wanted, read);
    const ms = now() - started - (model.work.waitMs - before.waitMs);
    if (pass > 0 && ms < best.ms) best = { rows, ms, insideMs: model.work.ms - before.ms };
    if (pass > 0 && ms > BUDGET / COUNTED) break; // so slow that one tells enough
  }
  return best;
}

/** Guesses in a row, of tokens that the text has. */
function chain(prefix: Prefix, length: number): Draft {
  return Array.from({ length }, (_, i) => guess(prefix, i, i - 1));
}

/** Guesses side by side. */
function fan(prefix: Prefix, width: number): Draft {
  return Array.from({ length: width }, (_, i) => guess(prefix, i, ROOT));
}

function guess(prefix: Prefix, i: number, parent: number): Draft[number] {
  const token = prefix[i % prefix.length]!;
  return { token, parent, q: certain(token) };
}
