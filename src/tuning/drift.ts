import { probit } from 'simple-statistics';
import type { Step } from '../decoding/loop.js';
import { FEWEST } from '../math/bootstrap.js';
import { studentT } from '../math/student-t.js';
import { SIGNS, type Sign, type Signs, signsOf } from './drift-signs.js';
import type { Reference, TunedDraft, Usual } from './profile.js';

/**
 * How likely a watch is, as long as it lasts, to speak of a fall where there is none: 1 in 100 at most, if the means of texts
 * are normally distributed.
 */
export const FALSE_ALARMS = 0.01;

/** Signs that are tested. Tokens per pass also fall where drafting has become dearer, so they are only told. */
const TESTED = ['acceptance', 'survival', 'likelihood'] as const satisfies readonly Sign[];

/** Steps at the first look; there is another one each time that they have doubled. */
const FIRST_LOOK = 8;

/** A fall that chance does not explain. */
export interface Fall {
  readonly sign: (typeof TESTED)[number];
  /** The mean of the profile. */
  readonly usual: number;
  /** The mean since the watch began. */
  readonly now: number;
  /** Steps that it is the mean of. */
  readonly steps: number;
}

/** What a watch has seen so far. */
export interface Drift {
  /** Steps, those without guesses included. */
  readonly steps: number;
  /** Null = none. */
  readonly fall: Fall | null;
}

/** A running sum over texts. */
interface Seen {
  sum: number;
  steps: number;
  /** Of the text that is being written. */
  stepsOfText: number;
  /** Over finished texts, of their steps squared. */
  squares: number;
}

/**
 * Holds texts against those that a profile was made from: a one-sided test of the mean since the watch began, at 8, 16,
 * 32, … steps. Look j may err with probability FALSE_ALARMS / 3 / (j (j + 1)): over all looks and the three signs that is
 * FALSE_ALARMS. The spread of texts counts as well as that of steps, since a hard text is hard from beginning to end.
 * Student's t has the degrees of freedom of the texts that the spread was taken from, or more where that of steps is most of
 * it (Satterthwaite 1946).
 */
export class DriftWatch {
  readonly #draft: TunedDraft;
  readonly #temperature: number;
  readonly #seen = new Map<Sign, Seen>(
    TESTED.map((sign) => [sign, { sum: 0, steps: 0, stepsOfText: 0, squares: 0 }]),
  );
  #steps = 0;
  #fall: Fall | null = null;

  /** @param temperature of the sampling, >= 0 */
  constructor(draft: TunedDraft, temperature: number) {
    this.#draft = draft;
    this.#temperature = temperature;
  }

  get drift(): Drift {
    return { steps: this.#steps, fall: this.#fall };
  }

  beginText(): void {
    for (const seen of this.#seen.values()) {
      seen.squares += seen.stepsOfText ** 2;
      seen.stepsOfText = 0;
    }
  }

  learn(step: Step): void {
    this.#steps++;
    if (this.#fall) return;
    const { survival, reference } = this.#draft;
    const signs = signsOf(step, survival, this.#temperature);
    for (const sign of TESTED) {
      const value = signs[sign];
      if (value === undefined) continue;
      const seen = this.#seen.get(sign)!;
      seen.sum += value;
      seen.steps++;
      seen.stepsOfText++;
      const usual = reference[sign];
      if (!this.#fall && isFall(seen, usual))
        this.#fall = { sign, usual: usual.mean, now: seen.sum / seen.steps, steps: seen.steps };
    }
  }
}

function isFall({ sum, steps, stepsOfText, squares }: Seen, usual: Usual): boolean {
  const look = Math.log2(steps / FIRST_LOOK) + 1;
  if (!Number.isInteger(look) || look < 1 || usual.texts < FEWEST) return false;
  const texts = steps ** 2 / (squares + stepsOfText ** 2); // as if all were of one length
  const textVariance = usual.textSd ** 2;
  const stepVariance = Math.max(usual.stepSd ** 2, 1 / (usual.steps + 1)); // as if one more step had been off by 1
  const perText = 1 / texts + 1 / usual.evenTexts;
  const variance = textVariance * perText + stepVariance * (1 / steps + 1 / usual.steps);
  const ofTextMeans = textVariance + (stepVariance * usual.texts) / usual.steps; // which textVariance was taken from
  const freedom = (usual.texts - 1) * Math.max(1, (variance / (perText * ofTextMeans)) ** 2);
  const mayErr = FALSE_ALARMS / TESTED.length / (look * (look + 1));
  return usual.mean - sum / steps > studentT(probit(1 - mayErr), freedom) * Math.sqrt(variance);
}

/**
 * What is usual, of the steps of some texts.
 * @param texts one or more, each with a step or more
 */
export function referenceOf(texts: readonly (readonly Signs[])[]): Reference {
  const valuesOf = (sign: Sign) => texts.map((steps) => steps.flatMap((one) => one[sign] ?? []));
  const usual = SIGNS.map((sign) => [sign, usualOf(valuesOf(sign).filter(({ length }) => length > 0))]);
  return Object.fromEntries(usual) as Record<Sign, Usual>;
}

/** Analysis of variance with one random effect, that of the text. */
function usualOf(texts: readonly (readonly number[])[]): Usual {
  const all = texts.flat();
  if (all.length === 0) return { mean: 0, textSd: 0, stepSd: 0, texts: 1, evenTexts: 1, steps: 1 };
  const means = texts.map(meanOf);
  const within = texts.flatMap((values, i) => values.map((value) => (value - means[i]!) ** 2));
  const stepVariance = sum(within) / Math.max(1, all.length - texts.length);
  const mean = meanOf(all);
  const between = sum(means.map((one) => (one - meanOf(means)) ** 2)) / Math.max(1, texts.length - 1);
  const byChance = stepVariance * meanOf(texts.map(({ length }) => 1 / length));
  return {
    mean,
    textSd: Math.sqrt(Math.max(0, between - byChance)),
    stepSd: Math.sqrt(stepVariance),
    texts: texts.length,
    evenTexts: all.length ** 2 / sum(texts.map(({ length }) => length ** 2)),
    steps: all.length,
  };
}

function meanOf(values: readonly number[]): number {
  return sum(values) / values.length;
}

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}
