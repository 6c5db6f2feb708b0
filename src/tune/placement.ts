import { availableParallelism } from 'node:os';
import type { RunOptions } from '../generation/run-options.js';
import type { Pair } from '../models/pair.js';
import { type CostCurves, passMs } from '../tuning/cost-curves.js';
import type { Placement } from '../tuning/profile.js';

/** Guesses of a usual step, and beams of each. */
const GUESSES = 4;
const BEAMS = 4;

/** More threads, or another device, must make passes shorter by this much: waiting threads cost energy, and times vary. */
const WORTH = 1.1;

/** A placement, and what passes cost under it. */
export interface Placed {
  readonly placement: Placement;
  readonly curves: CostCurves;
}

/** Where plain decoding runs best, and where drafting does. */
export interface Places {
  readonly plain: Placement;
  readonly drafting: Placement;
}

/**
 * What may be tried: numbers of threads, unless somebody has said one, and the draft model on the processor where the engine
 * has a GPU.
 * @returns fewer threads first; empty where there is no choice
 */
export function placementsOf(
  { engine }: Pick<Pair, 'engine'>,
  { threads }: Pick<RunOptions, 'threads'>,
  isDraftPlaced: boolean,
): Placement[] {
  const counts = threads === undefined ? threadCounts(availableParallelism()) : [];
  const here: Placement[] = counts.length > 0 ? counts.map((threads) => ({ threads })) : [{}];
  const hasChoice = engine.backend !== 'cpu' && !isDraftPlaced;
  const all = hasChoice ? [...here, ...here.map((one) => ({ ...one, draftGpuLayers: 0 }))] : here;
  return all.length > 1 ? all : [];
}

/** Powers of two up to the number of processors, and that number. */
export function threadCounts(processors: number): number[] {
  const counts: number[] = [];
  for (let count = 1; count < processors; count *= 2) counts.push(count);
  return [...counts, processors];
}

/**
 * The placements under which steps take least time. Each model has threads of its own: what is best for one does not
 * depend on the other.
 * @param placed measured, the preferred ones first; empty: there is no choice
 * @param areDraftThreadsSaid whether somebody has said how many threads the draft model has
 */
export function bestPlaces(placed: readonly Placed[], areDraftThreadsSaid: boolean): Places {
  if (placed.length === 0) return { plain: {}, drafting: {} };
  const plainly = shortest(placed, 'plainMs');
  const verifying = shortest(placed, 'verifyMs');
  const drafting = shortest(placed, 'draftMs').placement;
  const { threads } = verifying.placement;
  const draftThreads = areDraftThreadsSaid ? undefined : drafting.threads;
  const { draftGpuLayers } = drafting;
  return {
    plain: known({ threads: plainly.placement.threads }),
    drafting: known({ threads, draftThreads, draftGpuLayers }),
  };
}

/** Milliseconds of a plain pass, and of the parts of a usual step. */
export function stepMs({ target, draft }: CostCurves) {
  return {
    plainMs: passMs(target, 1),
    verifyMs: passMs(target, GUESSES + 1),
    draftMs: draft ? passMs(draft, 1) + (GUESSES - 1) * passMs(draft, BEAMS) : 0,
  };
}

/** Of two measurements of a placement, the one with the shorter step. */
export function quicker(one: Placed, other = one): Placed {
  const msOf = ({ curves }: Placed) => stepMs(curves).verifyMs + stepMs(curves).draftMs;
  return msOf(one) <= msOf(other) ? one : other;
}

/** The first one that hardly any other beats. */
function shortest(placed: readonly Placed[], part: keyof ReturnType<typeof stepMs>): Placed {
  const msOf = ({ curves }: Placed) => stepMs(curves)[part];
  const least = Math.min(...placed.map(msOf));
  return placed.find((one) => msOf(one) <= WORTH * least)!;
}

/** Without what is left to the engine. */
function known(placement: Placement): Placement {
  return Object.fromEntries(Object.entries(placement).filter(([, value]) => value !== undefined));
}
