import { mean, median } from 'simple-statistics';
import {
  addCounters,
  type Counters,
  NO_STEPS,
  perplexity,
  quotient,
  ratios,
  timesAsFast,
  tokensPerSecond,
} from '../generation/counters.js';
import { bootstrap } from '../math/bootstrap.js';
import { distinct } from '../math/distinct.js';
import { createRng } from '../math/rng.js';
import { sum } from '../math/sum.js';
import { SOURCE_SETTINGS } from '../strategies/definition.js';
import { PLAIN, USUAL } from '../strategies/index.js';
import { bareMs } from './costs.js';
import type { Contender, ContenderSummary, Estimate, Generation, PassCost, SpeedUps } from './report.js';

/** The lengths of the n-grams that `distinct` counts, in tokens. */
const GRAMS = [1, 2, 3, 4]; // 1 - distinct-4 is the share of repeated 4-grams

/**
 * Returns the figures of each contender over all its generations.
 * @param costs T(k), as far as measured
 * @param idleWatts power of the idle machine, in watts; null: not known
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
    const sum = sumOf(own);
    const { blockEfficiency, acceptanceRate, acceptanceByPosition, msPerToken } = ratios(sum);
    return {
      ...contender,
      generations: own.length,
      tokens: sum.emitted,
      tokensPerSecond: speedOf(own),
      speedUp: {
        autoregressive: speedUpOver(rivalOf(contender, contenders, isOf(PLAIN.name))),
        speculative: speedUpOver(rivalOf(contender, contenders, isOf(USUAL.name))),
        predictor: speedUpOver(rivalOf(contender, contenders, isPredictor)),
      } satisfies SpeedUps,
      firstTokenMs: medianOf(own.flatMap(({ ms }) => ms.firstToken ?? [])),
      targetPasses: sum.targetPasses > 0 ? sum.targetPasses : null,
      blockEfficiency,
      acceptanceRate,
      acceptanceByPosition,
      msPerToken,
      achievedOfPossible: achieved(own, costs),
      perplexity: ofSums(
        byPrompt(own)
          .map(sumOf)
          .map(({ rawLogProbSum, emitted }): [number, number] => [rawLogProbSum, emitted]),
        perplexity,
      ),
      distinct: GRAMS.map((n) => meanDistinct(own, n)),
      joulesPerToken: joulesOf(own, idleWatts),
    };
  });
}

function isOf(strategy: string): (one: Contender) => boolean {
  return (one) => one.role === 'strategy' && one.strategy === strategy;
}

function isPredictor({ role, name }: Contender): boolean {
  return role === 'peer' && name === 'DraftSequenceTokenPredictor';
}

/** Returns the contender to compare with: on the same engine if it ran there, with the same source of drafts and length. */
function rivalOf(
  contender: Contender,
  all: readonly Contender[],
  isRival: (one: Contender) => boolean,
): Contender | undefined {
  const rivals = all.filter(isRival);
  const here = rivals.filter(({ engine }) => engine === contender.engine);
  const near = here.length > 0 ? here : rivals;
  const { draftLength, ...own } = contender.settings;
  const alike = near.filter(({ settings }) => settings.draftLength === draftLength);
  const isAlike = ({ settings }: Contender) => SOURCE_SETTINGS.every((name) => settings[name] === own[name]);
  return alike.find(isAlike) ?? alike[0] ?? near[0];
}

/** The part of a generation that speed needs: its tokens and its time. */
export interface Timed {
  readonly prompt: string;
  readonly repetition: number;
  readonly tokens: readonly unknown[];
  readonly ms: { readonly decode: number };
}

/** Returns emitted tokens ÷ seconds of all texts together, with its interval over prompts. */
export function speedOf(texts: readonly Timed[]): Estimate | null {
  return ofSums(byPrompt(texts).map(timeOf), tokensPerSecond);
}

/** Returns the ratio of times per token over the prompts and repetitions that both finished, with its interval over prompts. */
export function speedUp(own: readonly Timed[], rivals: readonly Timed[]): Estimate | null {
  const keyOf = ({ prompt, repetition }: Timed) => JSON.stringify([prompt, repetition]);
  const others = new Map(rivals.map((one) => [keyOf(one), one]));
  const ours = own.filter((one) => others.has(keyOf(one)));
  const pairs = byPrompt(ours).map((some): [number, number, number, number] => [
    ...timeOf(some),
    ...timeOf(some.map((one) => others.get(keyOf(one))!)),
  ]);
  return ofSums(pairs, timesAsFast);
}

/** Tokens and milliseconds. */
function timeOf(texts: readonly (Timed | Generation)[]): [tokens: number, ms: number] {
  const { emitted, ms } = sumOf(texts);
  return [emitted, ms.decode];
}

/** Returns a statistic of sums over prompts, and its interval. Each prompt is reduced to the few numbers that are summed. */
function ofSums<Sums extends number[]>(
  prompts: readonly Sums[],
  statistic: (...sums: Sums) => number | null,
): Estimate | null {
  const width = prompts[0]?.length ?? 0;
  return bootstrap(
    prompts,
    (sample) => {
      const sums = new Array<number>(width).fill(0);
      for (const numbers of sample) for (let i = 0; i < width; i++) sums[i]! += numbers[i]!;
      return statistic(...(sums as Sums)) ?? Number.NaN;
    },
    createRng(1),
  );
}

function byPrompt<Text extends Timed>(texts: readonly Text[]): Text[][] {
  const groups = new Map<string, Text[]>();
  for (const text of texts) groups.set(text.prompt, [...(groups.get(text.prompt) ?? []), text]);
  return [...groups.values()];
}

function sumOf(texts: readonly (Timed | Generation)[]): Counters {
  return texts.map(countersOf).reduce(addCounters, NO_STEPS);
}

/** Returns the counters of a text; NaN where a figure is unknown. */
function countersOf(text: Timed | Generation): Counters {
  const { tokens, ms } = text;
  const whole = 'speculation' in text ? text : null;
  const parts = whole?.speculation ? whole.ms : null;
  return {
    ...(whole?.speculation ?? UNTOLD),
    bySource: whole?.speculation?.bySource ?? {},
    emitted: tokens.length,
    rawLogProbSum: whole?.logProbSum ?? Number.NaN,
    ms: {
      draft: parts?.draft ?? Number.NaN,
      verify: parts?.verify ?? Number.NaN,
      wait: 0, // texts are written one at a time
      own: parts?.own ?? Number.NaN,
      decode: ms.decode,
    },
  };
}

const UNTOLD = {
  steps: Number.NaN,
  targetPasses: Number.NaN,
  draftPasses: Number.NaN,
  drafted: Number.NaN,
  accepted: Number.NaN,
  draftedByPosition: [],
  acceptedByPosition: [],
};

/** Returns the time of the passes by themselves ÷ the time of the generations, over those whose passes were all measured. */
function achieved(own: readonly Generation[], costs: readonly PassCost[]): number | null {
  const known = own.filter((one) => Number.isFinite(bareMs(one, costs)));
  return quotient(
    sum(known, (one) => bareMs(one, costs)),
    sum(known, ({ ms }) => ms.decode),
  );
}

function joulesOf(own: readonly Generation[], idleWatts: number | null): ContenderSummary['joulesPerToken'] {
  const counted = own.filter(({ joules }) => joules !== null);
  const tokens = sum(counted, (one) => one.tokens.length);
  const joules = sum(counted, ({ joules }) => joules!);
  const gross = quotient(joules, tokens);
  if (gross === null) return null;
  if (idleWatts === null) return { gross, net: null };
  const idle = (idleWatts * sum(counted, ({ ms }) => ms.decode)) / 1000;
  return { gross, net: quotient(joules - idle, tokens) };
}

function meanDistinct(own: readonly Generation[], n: number): number | null {
  const values = own.map(({ tokens }) => distinct(tokens, n)).filter(Number.isFinite);
  return values.length === 0 ? null : mean(values);
}

function medianOf(values: number[]): number | null {
  return values.length === 0 ? null : median(values);
}
