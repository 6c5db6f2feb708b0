import { nameOf } from '../benchmark/contenders.js';
import { estimateText, rangeText } from '../benchmark/out/columns.js';
import { type Estimate, FEWEST } from '../math/bootstrap.js';
import { definitionOf, PLAIN } from '../strategies/index.js';
import type { Candidate } from './candidate.js';
import type { Figures } from './figures.js';
import { LEAST_DISTINCT } from './search.js';

/** A setting that was foretold to be good, and run. */
export interface Tried {
  readonly candidate: Candidate;
  readonly foretold: Figures;
  readonly measured: Figures;
}

/** What to use, and why in a few sentences. */
export interface Advice<One extends Tried> {
  /** Undefined = plain decoding. */
  readonly best: One | undefined;
  readonly runnerUp: One | undefined;
  readonly text: string;
}

/** What plain decoding writes. */
type Plain = Pick<Figures, 'perplexity' | 'distinct2' | 'repeated4'>;

/**
 * The setting that was measured to be fastest, if it is faster than plain decoding beyond doubt and its text as good as asked for.
 * @param quality perplexity ÷ that of plain sampling at most
 */
export function adviceOf<One extends Tried>(
  tried: readonly One[],
  plain: Plain,
  quality: number,
): Advice<One> {
  const good = tried
    .filter((one) => isGood(one, plain, quality))
    .sort((a, b) => speedOf(b.measured) - speedOf(a.measured));
  const [first, second] = good;
  if (!first)
    return {
      best: undefined,
      runnerUp: undefined,
      text: `Do not draft: no setting is known to write text as good as was asked for (quality ${quality}) faster than ${PLAIN.name}.`,
    };
  const { speedUp } = first.measured;
  const isSure = speedUp!.low === null ? speedUp!.value > 1 : speedUp!.low > 1;
  if (!isSure)
    return {
      best: undefined,
      runnerUp: first,
      text:
        `Do not draft with these models on this machine: the nearest, ${label(first)}, is ${times(first)} as fast as ` +
        `${PLAIN.name}, which is no gain beyond doubt.`,
    };
  const few = speedUp!.low === null ? ` Fewer than ${FEWEST} prompts are too few to be sure.` : '';
  const next = second ? ` Next: ${label(second)}, ${times(second)}.${worth(second, plain)}` : '';
  return {
    best: first,
    runnerUp: second,
    text: `Use ${label(first)}: ${times(first)} as fast as ${PLAIN.name}.${worth(first, plain)}${next}${few}`,
  };
}

/** Likely enough as measured, on the same prompts as plain decoding; varied enough as far as the intervals tell. */
function isGood({ candidate, measured }: Tried, plain: Plain, quality: number): boolean {
  if (definitionOf(candidate.strategy).isLossless) return quality >= 1;
  const low = ({ value, low }: Estimate) => low ?? value;
  const high = ({ value, high }: Estimate) => high ?? value;
  const { perplexity, distinct2 } = measured;
  const isLikely = !perplexity || !plain.perplexity || perplexity.value <= quality * plain.perplexity.value;
  const isVaried = !distinct2 || !plain.distinct2 || high(distinct2) >= LEAST_DISTINCT * low(plain.distinct2);
  return isLikely && isVaried;
}

/** What people call a setting: 'mtad k=auto w=4 tau=0.2'. */
export function label({ candidate: { strategy, ...settings } }: Pick<Tried, 'candidate'>): string {
  return nameOf({ role: 'strategy', strategy, settings });
}

function worth({ candidate, measured }: Tried, plain: Plain): string {
  if (definitionOf(candidate.strategy).isLossless) return " Its text is distributed as the target's own.";
  const against = (name: keyof Plain, what: string) =>
    measured[name] && plain[name]
      ? `${what} ${estimateText(measured[name])} against ${estimateText(plain[name])}`
      : [];
  const parts = [
    against('perplexity', 'perplexity'),
    against('distinct2', 'distinct-2'),
    against('repeated4', 'repeated 4-grams'),
  ].flat();
  return parts.length === 0 ? '' : ` Its text: ${parts.join(', ')}.`;
}

function speedOf({ speedUp }: Figures): number {
  return speedUp?.value ?? 0;
}

function times({ measured, foretold }: Tried): string {
  const { value, ...bounds } = measured.speedUp!;
  const range = rangeText(bounds);
  return `${value.toFixed(2)} times (${range ? `${range}, ` : ''}foretold ${foretold.speedUp!.value.toFixed(2)})`;
}
