import { z } from 'zod';
import type { LogProb } from '../types.js';
import { FIRST_PURSE } from './account.js';
import { loosened, priorSurvival, type Survival, shifted, spreadOf, survivalOf, UNTOLD } from './survival.js';

/** Share by which a covariance may be off. */
const ROUNDING = 1e-9;

export const survivalSchema = z.object({
  a: z.number(),
  b: z.number().max(0),
  covariance: z
    .object({ aa: z.number().min(0), ab: z.number(), bb: z.number().min(0) })
    .refine(
      ({ aa, ab, bb }) => ab ** 2 <= aa * bb * (1 + ROUNDING),
      'must be a covariance: ab² at most aa × bb',
    ),
});

/** What a text knows of guesses in place of the draft. */
const freeSchema = z.object({
  /** Of guesses where the source has as long an ending of the text as is looked at: the text repeats something. */
  repeated: survivalSchema,
  /** Of guesses behind shorter endings. */
  other: survivalSchema,
});
export type FreeLearned = Readonly<z.output<typeof freeSchema>>;

export const learnedSchema = z.object({
  /** The threshold of the joint rule at that time, (0, 1]; 1 for the lossless ones. */
  threshold: z.number().gt(0).max(1),
  survival: survivalSchema,
  /** Nats by which another guess makes them all less likely. */
  usualDrop: z.number().min(0),
  /** Plain passes that guesses may lose; missing: as at first. */
  purse: z.number().optional(),
  /** Missing: nothing, as where there is no tail. */
  tail: z
    .object({
      /** Of guesses behind a draft that is accepted as a whole. */
      survival: survivalSchema,
      /** Tokens that a tail brings behind such a draft, less the price of its rows, which is paid behind every draft. */
      worth: z.number().min(0),
    })
    .optional(),
  /** Of the sources that may guess in place of the draft (see free-worth.ts); missing: nothing, as where there are none. */
  freeSources: z.array(freeSchema).readonly().optional(),
  /** Tokens that steps of the draft bring beyond their forecast, where these could guess in its place; missing: nothing. */
  draftGain: z.number().optional(),
});

/** What a text knows of the draft, for the next. */
export type Learned = Readonly<z.output<typeof learnedSchema>>;

/**
 * The fewest plain passes that a text may lose, so that it can find out that guesses are right after all, and the most that the
 * texts before bring it, since all guesses may suddenly be wrong.
 */
const PURSE = { fewest: 2, most: 8 };

/** Depths of guesses at which two beliefs are compared. */
const DEPTHS = [1, 2, 4, 8, 16];

/**
 * How much a belief must change to be kept in place of another: a chance, an uncertainty (a factor), the purse, a tail's worth,
 * the draft's gain.
 */
const NEWS = { chance: 0.05, spread: 0.7, purse: 2, worth: 0.2, gain: 0.5 };

/** What a first text knows. @param threshold of a joint rule, (0, 1]; 1 for the lossless ones */
export function prior(threshold: number): Learned {
  return { threshold, survival: priorSurvival(threshold), usualDrop: 0.6 };
}

/** Returns what another text begins with: less sure of it, since it may be of another kind. */
export function faded({ purse, ...learned }: Learned): Learned {
  return { ...eachSurvival(learned, loosened), ...(purse !== undefined && { purse: inPurse(purse) }) };
}

function inPurse(passes = FIRST_PURSE): number {
  return Math.min(PURSE.most, Math.max(PURSE.fewest, passes));
}

/** Returns the same under another threshold. */
export function under(learned: Learned, threshold: number): Learned {
  const move = Math.log(threshold) - Math.log(learned.threshold);
  if (move === 0) return learned;
  return { ...eachSurvival(learned, (one) => shifted(one, move)), threshold };
}

function eachSurvival(learned: Learned, change: (survival: Survival) => Survival): Learned {
  const { survival, tail, freeSources } = learned;
  const both = ({ repeated, other }: FreeLearned) => ({ repeated: change(repeated), other: change(other) });
  return {
    ...learned,
    survival: change(survival),
    ...(tail && { tail: { ...tail, survival: change(tail.survival) } }),
    ...(freeSources && { freeSources: freeSources.map(both) }),
  };
}

/**
 * Whether a text has shown something that was not known. Where it has not, what was kept stays, and with it the text of a
 * seed: other knowledge makes other drafts.
 */
export function isNews(now: Learned, kept: Learned): boolean {
  if (Math.abs(inPurse(now.purse) - inPurse(kept.purse)) > NEWS.purse) return true;
  if (Math.abs((now.tail?.worth ?? 0) - (kept.tail?.worth ?? 0)) > NEWS.worth) return true;
  if (Math.abs((now.draftGain ?? 0) - (kept.draftGain ?? 0)) > NEWS.gain) return true;
  const before = under(kept, now.threshold);
  if (isOther(now.survival, -now.usualDrop, before.survival, -before.usualDrop)) return true;
  const known = withoutPass(before);
  return withoutPass(now).some((one, i) => isOther(one, UNTOLD, known[i], UNTOLD));
}

/** What is believed of guesses that take no pass. */
function withoutPass({ tail, freeSources = [] }: Learned): Survival[] {
  const others = freeSources.flatMap(({ repeated, other }) => [repeated, other]);
  return tail ? [tail.survival, ...others] : others;
}

/** @param q of one guess, as a joint log-probability */
function isOther(now: Survival, q: LogProb, kept: Survival | undefined, keptQ: LogProb): boolean {
  if (!kept) return true;
  return DEPTHS.some((depth) => {
    const change = survivalOf(now, depth * q) - survivalOf(kept, depth * keptQ);
    return (
      Math.abs(change) > NEWS.chance || spreadOf(now, depth * q) < NEWS.spread * spreadOf(kept, depth * keptQ)
    );
  });
}
