import { mean, median, sampleStandardDeviation } from 'simple-statistics';
import { bootstrap } from '../math/bootstrap.js';
import { distinct } from '../math/distinct.js';
import { createRng } from '../math/rng.js';
import { PLAIN, USUAL } from '../strategies/index.js';
import { gammaOf, strategyOf } from './names.js';
import { bareMs } from './possible.js';
import type { Contender, ContenderSummary, Estimate, Generation, PassCost, SpeedUps } from './report.js';

/** n-grams that `distinct` counts: of 1, 2 and 3 tokens. */
const GRAMS = [1, 2, 3];

/**
 * What each contender did, over all its generations.
 * @param costs T(k), as far as measured
 * @param idleWatts what the machine draws while nothing runs; null: not known
 */
export function summarise(
  contenders: readonly Contender[],
  generations: readonly Generation[],
  costs: readonly PassCost[],
  idleWatts: number | null,
): ContenderSummary[] {
  const of = (contender: Contender) =>
    generations.filter((one) => one.contender === contender.name && one.engine === contender.engine);
  return contenders.map((contender) => {
    const own = of(contender);
    const speedUpOver = (rival: Contender | undefined) =>
      rival === undefined || rival === contender ? null : speedUp(own, of(rival));
    return {
      ...contender,
      generations: own.length,
      tokens: sum(own, ({ tokens }) => tokens.length),
      tokensPerSecond: speedOf(own),
      speedUp: {
        autoregressive: speedUpOver(rivalOf(contender, contenders, PLAIN.name)),
        speculative: speedUpOver(rivalOf(contender, contenders, USUAL.name)),
        predictor: speedUpOver(rivalOf(contender, contenders, 'DraftSequenceTokenPredictor')),
      } satisfies SpeedUps,
      firstTokenMs: medianOf(own.flatMap(({ ms }) => ms.firstToken ?? [])),
      ...speculationOf(own),
      achievedOfPossible: achieved(own, costs),
      perplexity: perplexityOf(own),
      distinct: GRAMS.map((n) => meanDistinct(own, n)),
      joulesPerToken: joulesOf(own, idleWatts),
    };
  });
}

/** A contender to be compared with: on the same engine if it ran there, and with the same draft length. */
function rivalOf(contender: Contender, all: readonly Contender[], strategy: string): Contender | undefined {
  const rivals = all.filter((one) => strategyOf(one) === strategy);
  const here = rivals.filter(({ engine }) => engine === contender.engine);
  const near = here.length > 0 ? here : rivals;
  return near.find((one) => gammaOf(one) === gammaOf(contender)) ?? near[0];
}

function speedOf(own: readonly Generation[]): ContenderSummary['tokensPerSecond'] {
  const speeds = own.map(({ tokens, ms }) => (1000 * tokens.length) / ms.decode).filter(Number.isFinite);
  if (speeds.length === 0) return null;
  return {
    mean: mean(speeds),
    sd: speeds.length > 1 ? sampleStandardDeviation(speeds) : null,
    median: median(speeds),
  };
}

/** Of a generation: how long it took to write how much. */
export interface Timed {
  readonly prompt: string;
  readonly repetition: number;
  readonly tokens: readonly unknown[];
  readonly ms: { readonly decode: number };
}

/** Ratio of the times per token, over the prompts and repetitions that both have finished; its interval over prompts. */
export function speedUp(own: readonly Timed[], rivals: readonly Timed[]): Estimate | null {
  const pairs = own.flatMap((ours) => {
    const theirs = rivals.find(
      ({ prompt, repetition }) => prompt === ours.prompt && repetition === ours.repetition,
    );
    return theirs ? [{ prompt: ours.prompt, ours, theirs }] : [];
  });
  const msPerToken = (some: readonly Timed[]) =>
    sum(some, ({ ms }) => ms.decode) / sum(some, ({ tokens }) => tokens.length);
  return overPrompts(
    pairs,
    (some) => msPerToken(some.map(({ theirs }) => theirs)) / msPerToken(some.map(({ ours }) => ours)),
  );
}

/** exp(-mean raw log-probability of the emitted tokens), its interval over prompts. */
function perplexityOf(own: readonly Generation[]): Estimate | null {
  return overPrompts(own, (some) =>
    Math.exp(
      -sum(some, ({ logProbSum }) => logProbSum ?? Number.NaN) / sum(some, ({ tokens }) => tokens.length),
    ),
  );
}

function overPrompts<Item extends { readonly prompt: string }>(
  items: readonly Item[],
  statistic: (items: readonly Item[]) => number,
): Estimate | null {
  const prompts = [...new Set(items.map(({ prompt }) => prompt))];
  const byPrompt = prompts.map((id) => items.filter(({ prompt }) => prompt === id));
  return bootstrap(byPrompt, (sample) => statistic(sample.flat()), createRng(1));
}

type SpeculationFigures = Pick<
  ContenderSummary,
  'targetPasses' | 'blockEfficiency' | 'acceptanceRate' | 'acceptanceByPosition' | 'msPerStep'
>;

function speculationOf(own: readonly Generation[]): SpeculationFigures {
  const told = own.flatMap(({ speculation, ms, tokens }) =>
    speculation && speculation.steps > 0 ? [{ ...speculation, ms, tokens }] : [],
  );
  if (told.length === 0)
    return {
      targetPasses: null,
      blockEfficiency: null,
      acceptanceRate: null,
      acceptanceByPosition: [],
      msPerStep: null,
    };
  const targetPasses = sum(told, (one) => one.targetPasses);
  const drafted = sum(told, (one) => one.drafted);
  const steps = sum(told, (one) => one.steps);
  const positions = Math.max(...told.map(({ draftedByPosition }) => draftedByPosition.length));
  const perStep = (part: 'draft' | 'verify' | 'own') => sum(told, ({ ms }) => ms[part] ?? 0) / steps;
  return {
    targetPasses,
    blockEfficiency: sum(told, ({ tokens }) => tokens.length) / targetPasses,
    acceptanceRate: drafted === 0 ? null : sum(told, (one) => one.accepted) / drafted,
    acceptanceByPosition: Array.from(
      { length: positions },
      (_, i) =>
        sum(told, (one) => one.acceptedByPosition[i] ?? 0) /
        sum(told, (one) => one.draftedByPosition[i] ?? 0),
    ),
    msPerStep: { draft: perStep('draft'), verify: perStep('verify'), own: perStep('own') },
  };
}

/** What the passes cost bare ÷ what the generations took, over those of which all passes were measured. */
function achieved(own: readonly Generation[], costs: readonly PassCost[]): number | null {
  const known = own.filter((one) => Number.isFinite(bareMs(one, costs)));
  const ratio = sum(known, (one) => bareMs(one, costs)) / sum(known, ({ ms }) => ms.decode);
  return Number.isFinite(ratio) ? ratio : null;
}

function joulesOf(own: readonly Generation[], idleWatts: number | null): ContenderSummary['joulesPerToken'] {
  const counted = own.filter(({ joules }) => joules !== null);
  const tokens = sum(counted, (one) => one.tokens.length);
  if (tokens === 0) return null;
  const gross = sum(counted, ({ joules }) => joules!);
  if (idleWatts === null) return { gross: gross / tokens, net: null };
  const idle = (idleWatts * sum(counted, ({ ms }) => ms.decode)) / 1000;
  return { gross: gross / tokens, net: (gross - idle) / tokens };
}

function meanDistinct(own: readonly Generation[], n: number): number | null {
  const values = own.map(({ tokens }) => distinct(tokens, n)).filter(Number.isFinite);
  return values.length === 0 ? null : mean(values);
}

function sum<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((total, item) => total + value(item), 0);
}

function medianOf(values: number[]): number | null {
  return values.length === 0 ? null : median(values);
}
