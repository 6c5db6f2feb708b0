import { quotient } from '../generation/counters.js';
import { FEWEST } from '../math/bootstrap.js';
import { PLAIN } from '../strategies/index.js';
import { digits, estimateText, rangeText } from './out/columns.js';
import type { ContenderSummary, Estimate, PassCost } from './report.js';

/** A fall of distinct-2 by more than this part is worth a word. */
const REPEATS = 0.1;

/** What to use, in a few sentences, and which of the contenders that is; null where too little is known. */
export interface Advice {
  readonly text: string;
  readonly contender: ContenderSummary | null;
}

/**
 * What a person who has no time should do: the strategy that is fastest beyond doubt and not less likely than plain
 * sampling, or none; what it costs; what would be as good for less. Where two intervals overlap, it tells no difference.
 * @param passes what bare passes cost, as far as measured
 */
export function recommend(contenders: readonly ContenderSummary[], passes: readonly PassCost[] = []): Advice {
  const none = (text: string): Advice => ({ text: `No recommendation: ${text}`, contender: null });
  const strategies = contenders.filter(({ role }) => role === 'strategy').sort((a, b) => pace(b) - pace(a));
  const here = strategies.filter(({ engine }) => engine === strategies[0]!.engine); // the engine of the fastest
  const plain = here.find(({ strategy }) => strategy === PLAIN.name);
  if (!plain?.tokensPerSecond)
    return none('autoregressive did not run, so there is nothing to compare with.');
  const rivals = here
    .filter((one) => one !== plain && one.speedUp.autoregressive !== null)
    .sort((a, b) => factor(b) - factor(a));
  const fastest = rivals[0];
  if (!fastest) return none('no strategy ran beside autoregressive.');

  const sure = rivals.filter(({ speedUp }) => (speedUp.autoregressive!.low ?? 0) > 1);
  const best = sure.find((one) => !isHigher(one.perplexity, plain.perplexity)) ?? sure[0];
  if (!best && fastest.speedUp.autoregressive!.low === null)
    return none(
      `fewer than ${FEWEST} prompts are too few to tell. On them, ${label(fastest)} was ${times(fastest)} ` +
        `as fast as autoregressive.${quality(fastest, plain)}`,
    );
  if (!best)
    return {
      text:
        `Use ${label(plain)}: no strategy is faster beyond doubt than its ${speed(plain)} with these models on this machine; ` +
        `the nearest, ${label(fastest)}, reaches ${times(fastest)} its speed.${quality(fastest, plain)}${whyNot(passes, plain)}${openLength(here)}${faster(contenders, plain)}`,
      contender: plain,
    };
  const exact = sure.find(isExact);
  const own =
    exact && exact !== best
      ? ` Where the text must be distributed as the target's own, ${label(exact)} is ${times(exact)} as fast.`
      : '';
  return {
    text: `Use ${label(best)}: ${times(best)} as fast as autoregressive.${quality(best, plain)}${repetition(best, plain)}${asFast(best, rivals)}${openLength(here)}${own}${greedy(contenders, best)}${faster(contenders, best)}`,
    contender: best,
  };
}

function isExact({ traits }: ContenderSummary): boolean {
  return traits?.isLossless ?? false;
}

function factor({ speedUp }: ContenderSummary): number {
  return speedUp.autoregressive!.value;
}

function pace({ tokensPerSecond }: ContenderSummary): number {
  return tokensPerSecond?.value ?? 0;
}

/** By more than the intervals; never where one of them is not known. */
function isHigher(one: Estimate | null, other: Estimate | null): boolean {
  return (one?.low ?? Number.NEGATIVE_INFINITY) > (other?.high ?? Number.POSITIVE_INFINITY);
}

function quality(one: ContenderSummary, plain: ContenderSummary): string {
  if (!one.perplexity || !plain.perplexity)
    return isExact(one) ? '' : ' What its text is worth was not measured.';
  const [ours, theirs] = [one.perplexity, plain.perplexity];
  const figures = `${estimateText(ours)} against ${estimateText(theirs)}`;
  if (isHigher(ours, theirs)) return ` Its text is less likely: perplexity ${figures}.`;
  if (isHigher(theirs, ours)) return ` Its text is likelier: perplexity ${figures}.`;
  return ` Its perplexity shows no difference: ${figures}.`;
}

function repetition(one: ContenderSummary, plain: ContenderSummary): string {
  const [ours, theirs] = [one.distinct[1], plain.distinct[1]];
  if (!ours || !theirs || ours >= (1 - REPEATS) * theirs) return '';
  return ` It repeats itself more (distinct-2 ${ours.toFixed(2)} against ${theirs.toFixed(2)}).`;
}

/** Whoever is advised to use one strategy should know of another whose speed is within the same interval. */
function asFast(best: ContenderSummary, rivals: readonly ContenderSummary[]): string {
  const ours = best.speedUp.autoregressive;
  const next = rivals.find(({ strategy, speedUp: { autoregressive: theirs } }) => {
    return strategy !== best.strategy && theirs?.low && !isHigher(ours, theirs) && !isHigher(theirs, ours);
  });
  return next ? ` Its speed shows no difference from that of ${label(next)}: ${times(next)}.` : '';
}

/** Likelier text can be had without a draft model, and whoever only wants that should know. */
function greedy(contenders: readonly ContenderSummary[], best: ContenderSummary): string {
  const likeliest = contenders.find(
    ({ role, settings }) => role === 'baseline' && settings.temperature === 0,
  )?.perplexity;
  if (!likeliest || !isHigher(best.perplexity, likeliest)) return '';
  return ` Greedy decoding writes likelier text still: perplexity ${estimateText(likeliest)}, at plain speed.`;
}

/** How far the draft length that follows the machine is from the best of those that were tried. */
function openLength(strategies: readonly ContenderSummary[]): string {
  const open = strategies.find(({ settings }) => settings.draftLength === 'auto');
  const fixed = strategies.find(
    ({ strategy, settings }) => strategy === open?.strategy && settings.draftLength !== 'auto',
  );
  const ratio = open && fixed ? quotient(pace(open), pace(fixed)) : null;
  if (ratio === null) return '';
  const isClear =
    isHigher(open!.tokensPerSecond, fixed!.tokensPerSecond) ||
    isHigher(fixed!.tokensPerSecond, open!.tokensPerSecond);
  return (
    ` The draft length that is left open, ${label(open!)}, is ${ratio.toFixed(2)} times as fast as the best fixed one, ` +
    `${label(fixed!)}${isClear ? '' : ', which shows no difference'}.`
  );
}

/** Passes of so many tokens are what speculation is made of: where they are dear, no draft can pay. */
function whyNot(passes: readonly PassCost[], { engine }: ContenderSummary): string {
  const costs = passes.filter((cost) => cost.engine === engine && cost.model === 'target');
  const one = costs.find(({ tokens }) => tokens === 1);
  const several = costs.find(({ tokens }) => tokens >= 3);
  if (!one || !several) return '';
  const ratio = (several.ms / one.ms).toFixed(1);
  return (
    ` A pass of the target over ${several.tokens} tokens costs ${ratio} times one of a single token here; drafting pays ` +
    'where that is near 1, with a larger target or on a GPU.'
  );
}

/** Whoever is advised to use one of ours should know of a peer that was faster. */
function faster(contenders: readonly ContenderSummary[], ours: ContenderSummary): string {
  const [peer] = contenders.filter(({ role }) => role === 'peer').sort((a, b) => pace(b) - pace(a));
  if (!peer || !isHigher(peer.tokensPerSecond, ours.tokensPerSecond)) return '';
  return ` ${label(peer)} was faster: ${speed(peer)} against ${speed(ours)}.`;
}

function label({ name, engine }: ContenderSummary): string {
  return `${name} (${engine})`;
}

function speed({ tokensPerSecond }: ContenderSummary): string {
  return `${estimateText(tokensPerSecond!, digits)} tokens/s`;
}

function times({ speedUp }: ContenderSummary): string {
  const { value, ...bounds } = speedUp.autoregressive!;
  const range = rangeText(bounds);
  return `${value.toFixed(2)} times${range && ` (${range})`}`;
}
