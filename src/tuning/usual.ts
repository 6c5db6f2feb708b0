import { SIGNS, type Sign, type Signs, SURENESSES } from './drift-signs.js';
import type { Reference, Usual } from './profile.js';

/**
 * Returns the usual values of the signs of some texts.
 * @param texts for each text the signs of its steps, without steps that have none
 */
export function referenceOf(texts: readonly (readonly Signs[])[]): Reference {
  const known = texts.filter(({ length }) => length > 0);
  return Object.fromEntries(SIGNS.map((sign) => [sign, usualOf(known, sign)])) as Record<Sign, Usual>;
}

/** Returns the number of texts of one length from which a mean would be as certain as from texts of these lengths, >= 1. */
export function evenTexts(lengths: readonly number[]): number {
  return Math.max(1, sum(lengths) ** 2 / Math.max(1, sum(lengths.map((length) => length ** 2))));
}

/**
 * Takes the mean of each sureness away, and analyses the variance of the rest with one random effect, that of the text. Each
 * text counts by its length (Searle, Variance components, 1992).
 */
function usualOf(texts: readonly (readonly Signs[])[], sign: Sign): Usual {
  const kinds = Array.from({ length: SURENESSES }, (_, sureness) => {
    const ofTexts = texts.map((steps) => steps.filter((one) => one.sureness === sureness));
    const values = ofTexts.flat().map((one) => one[sign]);
    const texted = evenTexts(ofTexts.map(({ length }) => length));
    return { mean: meanOf(values), steps: values.length, evenTexts: texted };
  });
  const rests = texts.map((steps) => steps.map((one) => one[sign] - kinds[one.sureness]!.mean));
  const lengths = texts.map(({ length }) => length);
  const steps = sum(lengths);
  const even = evenTexts(lengths);
  const means = rests.map(meanOf);
  const within = sum(rests.flatMap((values, i) => values.map((value) => (value - means[i]!) ** 2)));
  const stepVariance = within / Math.max(1, steps - texts.length);
  const bySureness = kinds.map((kind, sureness) => {
    const squares = texts.flatMap((ofText, i) =>
      ofText.flatMap((one, j) => (one.sureness === sureness ? [(rests[i]![j]! - means[i]!) ** 2] : [])),
    );
    const freedom = kind.steps * (1 - texts.length / Math.max(texts.length + 1, steps)); // its share of all steps' freedom
    return { ...kind, stepSd: Math.sqrt(sum(squares) / Math.max(1, freedom)) };
  });
  const between = sum(means.map((mean, i) => lengths[i]! * mean ** 2)) / Math.max(1, texts.length - 1);
  const textVariance =
    (between - stepVariance) / Math.max(1, typicalLength({ texts: texts.length, evenTexts: even, steps }));
  return {
    textSd: Math.sqrt(Math.max(0, textVariance)),
    stepSd: Math.sqrt(stepVariance),
    texts: Math.max(1, texts.length),
    evenTexts: even,
    steps,
    bySureness,
  };
}

/** Returns the length, in steps, that stands for all lengths in the variance between texts (n0 of Searle). */
export function typicalLength({
  texts,
  evenTexts,
  steps,
}: Pick<Usual, 'texts' | 'evenTexts' | 'steps'>): number {
  return (steps * (1 - 1 / evenTexts)) / Math.max(1, texts - 1);
}

function meanOf(values: readonly number[]): number {
  return sum(values) / Math.max(1, values.length);
}

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}
