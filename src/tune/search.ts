import { isTold } from '../generation/draft-length.js';
import { createRng } from '../math/rng.js';
import { sum } from '../math/sum.js';
import { definitionOf } from '../strategies/index.js';
import type { CostCurves } from '../tuning/cost-curves.js';
import type { CostKey } from '../tuning/cost-store.js';
import { faded, type Learned, prior } from '../tuning/learned.js';
import { type Candidate, candidatesOf, DEEPEST, type Trial } from './candidate.js';
import {
  estimatesOf,
  type Figures,
  meanOf,
  perplexityOf,
  type Repetition,
  type Worth,
  worthOf,
} from './figures.js';
import type { Recorded } from './recording.js';
import { type Replayed, replayed } from './replayed.js';

/** The least distinct-2 of a good text, divided by that of plain sampling. */
export const LEAST_DISTINCT = 0.9;

/** An adaptive draft length is preferred, unless the forecast of a fixed one is faster by this factor. */
const TIE = 1.02;

/** The fixed draft length from which an adaptive one learns first, since it might not draft by itself. */
const TEACHING = 6;

/** The costs of passes, and their key. */
export interface Costs {
  readonly key: CostKey;
  readonly curves: CostCurves;
}

/** A trial and its texts, one for each prompt. */
export interface Recording {
  readonly trial: Trial;
  readonly texts: readonly Recorded[];
  readonly costs: Costs;
}

/** A candidate and its forecast. */
export interface Weighed {
  readonly candidate: Candidate;
  readonly texts: readonly WeighedText[];
  /** Against plain decoding. */
  readonly speedUp: number;
  readonly tokensPerPass: number;
  readonly perplexity: number;
  readonly distinct2: number;
  readonly repeated4: number;
  /** Whether the text is as good as the user asks. */
  readonly isGood: boolean;
  readonly costs: Costs;
  /** The knowledge about the draft after its texts. */
  readonly learned: Learned;
}

/** The replayed text of a prompt, with those that it is compared with. */
interface WeighedText extends Replayed {
  readonly plain: Worth;
  readonly recorded: Worth & Pick<Replayed, 'accepted' | 'surplus'>;
  /** Milliseconds of plain decoding for as many tokens. */
  readonly plainMs: number;
  readonly isLossless: boolean;
}

export interface SearchOptions {
  /** The highest perplexity, divided by that of plain sampling. */
  readonly quality: number;
  /** Temperature of the sampling, >= 0. */
  readonly temperature: number;
}

/**
 * Replays every candidate on the recording of its trial. Cost curves are measured in passes that follow on each other, and a
 * text has more to do. So the forecasts are longer by the factor by which the recording took longer than its own forecast.
 * @param plain texts of plain decoding, one for each prompt in the same order
 */
export function search(
  recordings: readonly Recording[],
  plain: readonly Recorded[],
  options: SearchOptions,
): Weighed[] {
  const worths = plain.map(worthOf);
  const plainMs = sum(plain, decodingMs) / sum(plain, ({ tokens }) => tokens.length);
  return recordings.flatMap((recording) => {
    const recorded = recording.texts.map((text) => {
      const kept = text.chains.flatMap(({ surplus, accepted }) => surplus.slice(0, accepted));
      return { ...worthOf(text), accepted: kept.length, surplus: sum(kept, (one) => one) };
    });
    const replays = candidatesOf(recording.trial).map((candidate) => ({
      candidate,
      ...replay(candidate, recording, options),
    }));
    const asRecorded = replays.find(({ candidate }) => isRecorded(candidate, recording.trial))!;
    const factor = sum(recording.texts, decodingMs) / sum(asRecorded.texts, ({ ms }) => ms);
    return replays.map(({ candidate, texts, learned }) => {
      const { isLossless } = definitionOf(candidate.strategy);
      const weighed = texts.map((text, i) => ({
        ...text,
        plain: worths[i]!,
        recorded: recorded[i]!,
        ms: factor * text.ms,
        plainMs: text.tokens * plainMs,
        isLossless,
      }));
      return { ...weigh(candidate, weighed, options.quality), costs: recording.costs, learned };
    });
  });
}

/** Returns the best candidate of each strategy and width that drafts and whose text is good, the fastest first. */
export function finalists(weighed: readonly Weighed[]): Weighed[] {
  const groups = new Map<string, Weighed[]>();
  for (const one of weighed.filter((one) => one.isGood && one.tokensPerPass > 1)) {
    const { strategy, beamWidth } = one.candidate;
    const name = `${strategy} ${beamWidth}`;
    groups.set(name, [...(groups.get(name) ?? []), one]);
  }
  return [...groups.values()].map(bestOf).sort((a, b) => b.speedUp - a.speedUp);
}

/** Returns the forecast with its intervals. */
export function foretold({ texts }: Weighed): Figures {
  return estimatesOf(texts, STATISTICS);
}

function bestOf(group: readonly Weighed[]): Weighed {
  const fastest = (some: readonly Weighed[]) =>
    some.reduce((best, one) => (one.speedUp > best.speedUp ? one : best));
  const best = fastest(group);
  const open = group.filter(({ candidate }) => candidate.draftLength === 'auto');
  if (open.length === 0) return best;
  const bestOpen = fastest(open);
  return best.speedUp < TIE * bestOpen.speedUp ? bestOpen : best;
}

/** Milliseconds in which a text was written on its prompt. */
function decodingMs({ counters: { ms } }: Recorded): number {
  return ms.decode - ms.wait;
}

/** Whether a trial was run with the settings of a candidate. */
function isRecorded({ strategy, threshold, draftLength }: Candidate, trial: Trial): boolean {
  return strategy === trial.strategy && threshold === trial.threshold && draftLength === DEEPEST;
}

/** Replays twice: the first turn learns about the draft, as a profile does, and the second one counts. */
function replay(candidate: Candidate, { texts, costs }: Recording, { temperature }: SearchOptions) {
  const { strategy } = candidate;
  const guesser = { ...costs, isTold: isTold({ strategy, draftFrom: 'model', temperature }) };
  let learned = prior(candidate.threshold ?? 1);
  const turn = (draftLength: Candidate['draftLength']) =>
    texts.map(({ chains }, i) => {
      const asked = { ...candidate, draftLength };
      const one = replayed(chains, asked, { ...guesser, learned, rng: createRng(i + 1) });
      learned = faded(one.learned);
      return one;
    });
  turn(candidate.draftLength === 'auto' ? TEACHING : candidate.draftLength);
  return { texts: turn(candidate.draftLength), learned };
}

function weigh(
  candidate: Candidate,
  texts: readonly WeighedText[],
  quality: number,
): Omit<Weighed, 'costs' | 'learned'> {
  const plain = texts.map((text) => text.plain);
  const perplexity = STATISTICS.perplexity(texts);
  const distinct2 = STATISTICS.distinct2(texts);
  const isGood =
    perplexity <= quality * perplexityOf(plain) && distinct2 >= LEAST_DISTINCT * meanOf(plain, 'distinct2');
  return {
    candidate,
    texts,
    speedUp: STATISTICS.speedUp(texts),
    tokensPerPass: sum(texts, ({ tokens }) => tokens) / sum(texts, ({ passes }) => passes),
    perplexity,
    distinct2,
    repeated4: STATISTICS.repeated4(texts),
    isGood: texts[0]!.isLossless ? quality >= 1 : isGood,
  };
}

const STATISTICS = {
  speedUp: (texts: readonly WeighedText[]) =>
    sum(texts, ({ plainMs }) => plainMs) / sum(texts, ({ ms }) => ms),
  /**
   * Lies between plain decoding and the recorded text. In the places of the recorded text, the perplexity of sampling follows
   * from its own perplexity and from how much likelier its guesses are. The candidate's guesses are added to it.
   */
  perplexity: (texts: readonly WeighedText[]) => {
    const plain = perplexityOf(texts.map((text) => text.plain));
    if (texts[0]!.isLossless) return plain;
    const recorded = texts.map((text) => text.recorded);
    const gain = (some: readonly { readonly surplus: number; readonly tokens: number }[]) =>
      sum(some, ({ surplus }) => surplus) / sum(some, ({ tokens }) => tokens);
    const there = perplexityOf(recorded) * Math.exp(gain(recorded));
    return plain * (there / plain) ** shareOf(texts) * Math.exp(-gain(texts));
  },
  distinct2: (texts: readonly WeighedText[]) => between(texts, 'distinct2'),
  repeated4: (texts: readonly WeighedText[]) => between(texts, 'repeated4'),
};

/** Returns a figure between that of plain decoding and that of the recorded text, by the share of drafted tokens. */
function between(texts: readonly WeighedText[], figure: Repetition): number {
  const plain = meanOf(
    texts.map((text) => text.plain),
    figure,
  );
  if (texts[0]!.isLossless) return plain;
  const recorded = meanOf(
    texts.map((text) => text.recorded),
    figure,
  );
  return plain + (recorded - plain) * shareOf(texts);
}

/** Returns the share of drafted tokens, divided by that of the recorded text. */
function shareOf(texts: readonly WeighedText[]): number {
  const share = (some: readonly { readonly accepted: number; readonly tokens: number }[]) =>
    sum(some, ({ accepted }) => accepted) / sum(some, ({ tokens }) => tokens);
  const there = share(texts.map(({ recorded }) => recorded));
  return there === 0 ? 0 : share(texts) / there;
}
