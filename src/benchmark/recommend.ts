import { FEWEST } from '../math/bootstrap.js';
import { PLAIN, strategyNamed } from '../strategies/index.js';
import { strategyOf } from './names.js';
import type { ContenderSummary } from './report.js';

/** A fall of distinct-2 by more than this part is worth a word. */
const REPEATS = 0.1;

/**
 * What a person who has no time should do, in a few sentences: the strategy that is fastest beyond doubt and not less
 * likely than plain sampling, or none; what it costs; what would be as good for less.
 */
export function recommend(contenders: readonly ContenderSummary[]): string {
  const strategies = contenders.filter(({ role }) => role === 'strategy').sort((a, b) => mean(b) - mean(a));
  const here = strategies.filter(({ engine }) => engine === strategies[0]!.engine); // the engine of the fastest
  const plain = here.find(({ name }) => name === PLAIN.name);
  if (!plain?.tokensPerSecond)
    return 'No recommendation: autoregressive did not run, so there is nothing to compare with.';
  const rivals = here
    .filter((one) => one !== plain && one.speedUp.autoregressive !== null)
    .sort((a, b) => factor(b) - factor(a));
  const fastest = rivals[0];
  if (!fastest) return 'No recommendation: no strategy ran beside autoregressive.';

  const sure = rivals.filter(({ speedUp }) => (speedUp.autoregressive!.low ?? 0) > 1);
  const best = sure.find((one) => !isWorse(one, plain)) ?? sure[0];
  if (!best && fastest.speedUp.autoregressive!.low === null)
    return (
      `No recommendation: fewer than ${FEWEST} prompts are too few to tell. On them, ${label(fastest)} was ${times(fastest)} ` +
      `as fast as autoregressive.${quality(fastest, plain)}`
    );
  if (!best)
    return (
      `Use ${label(plain)}: no strategy is faster beyond doubt than its ${speed(plain)} with these models on this machine; ` +
      `the nearest, ${label(fastest)}, reaches ${times(fastest)} its speed.${quality(fastest, plain)}${faster(contenders, plain)}`
    );
  const exact = sure.find(isExact);
  const own =
    exact && exact !== best
      ? ` Where the text must be distributed as the target's own, ${label(exact)} is ${times(exact)} as fast.`
      : '';
  return `Use ${label(best)}: ${times(best)} as fast as autoregressive.${quality(best, plain)}${repetition(best, plain)}${own}${greedy(contenders, best)}${faster(contenders, best)}`;
}

function isExact(one: ContenderSummary): boolean {
  return strategyNamed(strategyOf(one))?.isLossless ?? false;
}

function factor({ speedUp }: ContenderSummary): number {
  return speedUp.autoregressive!.value;
}

function mean({ tokensPerSecond }: ContenderSummary): number {
  return tokensPerSecond?.mean ?? 0;
}

/** Less likely text, beyond the intervals. */
function isWorse({ perplexity }: ContenderSummary, plain: ContenderSummary): boolean {
  return (perplexity?.low ?? 0) > (plain.perplexity?.high ?? Number.POSITIVE_INFINITY);
}

function quality(one: ContenderSummary, plain: ContenderSummary): string {
  if (!one.perplexity || !plain.perplexity)
    return isExact(one) ? '' : ' What its text is worth was not measured.';
  const verdict = isWorse(one, plain) ? 'Its text is less likely, perplexity' : 'Perplexity of its text';
  return ` ${verdict} ${one.perplexity.value.toFixed(2)} instead of ${plain.perplexity.value.toFixed(2)}.`;
}

function repetition(one: ContenderSummary, plain: ContenderSummary): string {
  const [ours, theirs] = [one.distinct[1], plain.distinct[1]];
  if (!ours || !theirs || ours >= (1 - REPEATS) * theirs) return '';
  return ` It repeats itself more (distinct-2 ${ours.toFixed(2)} against ${theirs.toFixed(2)}).`;
}

/** Likelier text can be had without a draft model, and whoever only wants that should know. */
function greedy(contenders: readonly ContenderSummary[], best: ContenderSummary): string {
  const likeliest = contenders.find(({ name }) => name === 'greedy')?.perplexity;
  if (!likeliest || !best.perplexity || likeliest.value >= best.perplexity.value) return '';
  return ` Greedy decoding writes likelier text still (${likeliest.value.toFixed(2)}), at plain speed.`;
}

/** Whoever is advised to use one of ours should know of a peer that was faster. */
function faster(contenders: readonly ContenderSummary[], ours: ContenderSummary): string {
  const [peer] = contenders.filter(({ role }) => role === 'peer').sort((a, b) => mean(b) - mean(a));
  return peer && mean(peer) > mean(ours) ? ` ${label(peer)} was faster: ${speed(peer)}.` : '';
}

function label({ name, engine }: ContenderSummary): string {
  return `${name} (${engine})`;
}

function speed({ tokensPerSecond }: ContenderSummary): string {
  return `${tokensPerSecond!.mean.toFixed(1)} tokens/s`;
}

function times({ speedUp }: ContenderSummary): string {
  const { value, low, high } = speedUp.autoregressive!;
  const range = low === null || high === null ? '' : ` (${low.toFixed(2)} to ${high.toFixed(2)})`;
  return `${value.toFixed(2)} times${range}`;
}
