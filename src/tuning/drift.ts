import { probit } from 'simple-statistics';
import type { Step } from '../decoding/loop.js';
import { FEWEST } from '../math/bootstrap.js';
import { studentT } from '../math/student-t.js';
import { SIGNS, type Sign, SURENESSES, signsOf } from './drift-signs.js';
import type { TunedDraft, Usual } from './profile.js';
import { evenTexts, typicalLength } from './usual.js';

/**
 * The highest probability that a watch ever reports a fall where there is none, if the means of texts are normally
 * distributed.
 */
export const FALSE_ALARMS = 0.01;

/** Number of steps at the first look. The next look comes each time that the number has doubled. */
const FIRST_LOOK = 16;

/** The fewest steps of a profile from which the mean of guesses of one sureness is taken. */
const FEWEST_STEPS = 8;

/** A fall that chance does not explain. */
export interface Fall {
  readonly sign: Sign;
  /** The mean of guesses of the same sureness in the profile. */
  readonly usual: number;
  /** The mean since the watch began. */
  readonly now: number;
  /** The number of steps in that mean. */
  readonly steps: number;
}

/** The results of a watch so far. */
export interface Drift {
  /** Number of steps, those without guesses included. */
  readonly steps: number;
  /** Null = none. */
  readonly fall: Fall | null;
}

/**
 * Compares texts with those that a profile was made from. Each guess is compared with guesses of the same sureness, so that
 * it does not matter which guesses are worth their cost today. It is a one-sided test of the mean since the watch began, at 16,
 * 32, 64, … steps. Look j may err with probability FALSE_ALARMS / 2 / (j (j + 1)): over all looks and both signs that is
 * FALSE_ALARMS. The spread of texts counts as well as that of steps, since a hard text is hard from beginning to end.
 * Student's t has the degrees of freedom of the texts that the spread was taken from, or more where the spread of steps is
 * the larger part (Satterthwaite 1946).
 */
export class DriftWatch {
  readonly #temperature: number;
  readonly #seen: Readonly<Record<Sign, Seen>>;
  #steps = 0;
  #fall: Fall | null = null;

  /** @param temperature of the sampling, >= 0 */
  constructor({ reference }: Pick<TunedDraft, 'reference'>, temperature: number) {
    this.#temperature = temperature;
    const seen = SIGNS.map((sign) => [sign, new Seen(reference[sign])]);
    this.#seen = Object.fromEntries(seen) as Record<Sign, Seen>;
  }

  get drift(): Drift {
    return { steps: this.#steps, fall: this.#fall };
  }

  beginText(): void {
    for (const sign of SIGNS) this.#seen[sign].beginText();
  }

  learn(step: Step): void {
    this.#steps++;
    const signs = this.#fall ? undefined : signsOf(step, this.#temperature);
    if (!signs) return;
    for (const sign of SIGNS) {
      const fall = this.#seen[sign].learn(signs[sign], signs.sureness);
      if (fall) this.#fall ??= { sign, ...fall };
    }
  }
}

/** The values of one sign since the watch began. */
class Seen {
  readonly #usual: Usual;
  #sum = 0;
  #expected = 0; // sum of the usual means of the same guesses
  readonly #counts: number[] = Array.from({ length: SURENESSES }, () => 0);
  readonly #lengths: number[] = [0]; // of texts, in steps that count; the last text is being written

  constructor(usual: Usual) {
    this.#usual = usual;
  }

  beginText(): void {
    if (this.#lengths.at(-1) !== 0) this.#lengths.push(0);
  }

  /** @returns the fall; undefined: it is not time to look, or chance explains the values */
  learn(value: number, sureness: number): Omit<Fall, 'sign'> | undefined {
    const { mean, steps: known } = this.#usual.bySureness[sureness]!;
    if (known < FEWEST_STEPS) return undefined;
    this.#sum += value;
    this.#expected += mean;
    this.#counts[sureness]!++;
    this.#lengths[this.#lengths.length - 1]!++;
    const steps = this.#counts.reduce((a, b) => a + b, 0);
    const look = Math.log2(steps / FIRST_LOOK) + 1;
    if (!Number.isInteger(look) || look < 1 || this.#usual.texts < FEWEST) return undefined;
    const fall = { usual: this.#expected / steps, now: this.#sum / steps, steps };
    return fall.usual - fall.now > this.#mostByChance(steps, look) ? fall : undefined;
  }

  /** Returns how far the mean may fall by chance, at the error rate of this look. @param look from 1 */
  #mostByChance(steps: number, look: number): number {
    const { textSd, stepSd, bySureness, ...usual } = this.#usual;
    const shares = this.#counts.map((count) => count / steps);
    const average = (ofOne: (one: Usual['bySureness'][number], share: number) => number) =>
      bySureness.reduce(
        (sum, one, i) => sum + (shares[i] === 0 ? 0 : shares[i]! * ofOne(one, shares[i]!)),
        0,
      );
    const textVariance = textSd ** 2;
    const orOneMore = (sd: number, known: number) => Math.max(sd ** 2, 1 / (known + 1)); // as if one more step had been off by 1
    const stepVariance = orOneMore(stepSd, usual.steps);
    const perText = 1 / evenTexts(this.#lengths) + average((one) => 1 / one.evenTexts);
    const ofSteps = average(
      (one, share) => orOneMore(one.stepSd, one.steps) * (1 / steps + share / one.steps),
    );
    const variance = textVariance * perText + ofSteps;
    const ofTextMeans = textVariance + stepVariance / typicalLength(usual); // from which textVariance was estimated
    const freedom = Math.max(1, usual.evenTexts - 1) * Math.max(1, (variance / (perText * ofTextMeans)) ** 2);
    const mayErr = FALSE_ALARMS / SIGNS.length / (look * (look + 1));
    return studentT(probit(1 - mayErr), freedom) * Math.sqrt(variance);
  }
}
