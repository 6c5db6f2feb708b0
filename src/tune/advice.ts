import { nameOf } from '../benchmark/contenders.js';
import { estimateText, rangeText } from '../benchmark/out/columns.js';
import { type Estimate, FEWEST } from '../math/bootstrap.js';
import { definitionOf, PLAIN } from '../strategies/index.js';
import type { Runnable } from './candidate.js';
import type { Figures, Measured } from './figures.js';
import { LEAST_DISTINCT } from './search.js';

/** A candidate with a good forecast, which was then run, alone or with other sources of drafts. */
export interface Tried {
  readonly candidate: Runnable;
  /** Null with other sources, of which the recordings tell nothing. */
  readonly foretold: Figures | null;
  readonly measured: Measured;
}

/** A recommendation and its reasons. */
export interface Advice<One extends Tried> {
  /** Undefined = plain decoding. */
  readonly best: One | undefined;
  readonly runnerUp: One | undefined;
  readonly text: string;
}

/** The quality of texts of plain decoding. */
type Plain = Pick<Figures, 'perplexity' | 'distinct2' | 'repeated4'>;

/**
 * Recommends the candidate that was measured to be fastest, if it is faster than plain decoding beyond doubt and its text is
 * as good as the user asks.
 * @param quality the highest perplexity, divided by that of plain sampling
 */
export function adviceOf<One extends Tried>(
  tried: readonly One[],
  plain: Plain,
  quality: number,
): Advice<One> {
  const good = tried
    .filter((one) => isGood(one, quality))
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

/** Whether the measured perplexity is low enough, and the interval of the variety reaches high enough. */
function isGood({ candidate, measured }: Tried, quality: number): boolean {
  if (definitionOf(candidate.strategy).isLossless) return quality >= 1;
  const { perplexityRatio, distinct2Ratio } = measured;
  const isLikely = !perplexityRatio || perplexityRatio.value <= quality;
  const isVaried = !distinct2Ratio || (distinct2Ratio.high ?? distinct2Ratio.value) >= LEAST_DISTINCT;
  return isLikely && isVaried;
}

/** The name of a candidate for people: 'mtad k=auto w=4 tau=0.2'. */
export function label({ candidate: { strategy, ...settings } }: Pick<Tried, 'candidate'>): string {
  return nameOf({ role: 'strategy', strategy, settings });
}

function worth({ candidate, measured }: Tried, plain: Plain): string {
  if (definitionOf(candidate.strategy).isLossless) return " Its text is distributed as the target's own.";
  const against = (name: keyof Plain, what: string, ratio?: Estimate | null) =>
    measured[name] && plain[name]
      ? `${what} ${estimateText(measured[name])} against ${estimateText(plain[name])}${ratio ? `: ${estimateText(ratio)} times` : ''}`
      : [];
  const parts = [
    against('perplexity', 'perplexity', measured.perplexityRatio),
    against('distinct2', 'distinct-2', measured.distinct2Ratio),
    against('repeated4', 'repeated 4-grams'),
  ].flat();
  return parts.length === 0 ? '' : ` Its text: ${parts.join('; ')}.`;
}

function speedOf({ speedUp }: Figures): number {
  return speedUp?.value ?? 0;
}

function times({ measured, foretold }: Tried): string {
  const { value, ...bounds } = measured.speedUp!;
  const range = rangeText(bounds);
  const told = [range, foretold && `foretold ${foretold.speedUp!.value.toFixed(2)}`].filter(Boolean);
  return `${value.toFixed(2)} times${told.length > 0 ? ` (${told.join(', ')})` : ''}`;
}
