import type { ChalkInstance } from 'chalk';
import type { Change, Comparison, Pairing } from '../../benchmark/compare.js';
import { digits, estimateText } from '../../benchmark/out/columns.js';
import type { Estimate } from '../../benchmark/report.js';
import { fits, folded, plainTable } from './plain-table.js';

/**
 * Returns the changes since an earlier report, for a terminal.
 * @param width of the terminal, in characters; a table that is wider loses its intervals. Undefined: no limit
 */
export function comparisonTable(
  { changes, warnings, only }: Comparison,
  colors: ChalkInstance,
  width: number | undefined,
): string {
  const whole = table(changes, colors, estimateText, (one) => estimateText(one, digits));
  const lines = [
    ...warnings.map((warning) => `not the same: ${warning}`),
    ...(only.length > 0 ? [`in one of the reports only: ${only.join(', ')}`] : []),
    '= no difference beyond the 95 % intervals, # there is one; of tokens/s on the same prompts',
  ].map((line) => `${colors.dim(folded(line, width))}\n`);
  const drawn = fits(whole, width) ? whole : table(changes, colors, bare, bareSpeed);
  return `${drawn}\n\n${lines.join('')}`;
}

type Show = (estimate: Estimate) => string;

function table(changes: readonly Change[], colors: ChalkInstance, show: Show, showSpeed: Show): string {
  const several = new Set(changes.map(({ engine }) => engine)).size > 1;
  const heads = ['setting', ...(several ? ['engine'] : []), 'tokens/s', 'speed-up', 'perplexity'];
  return plainTable(
    heads.map((head) => ({ head, align: ['setting', 'engine'].includes(head) ? 'left' : 'right' })),
    changes.map(({ name, engine, speed, speedUp, perplexity }) => [
      name,
      ...(several ? [engine] : []),
      pairingText(speed, showSpeed),
      pairingText(speedUp, show),
      pairingText(perplexity, show),
    ]),
    colors,
  );
}

function pairingText({ then, now, agrees }: Pairing, show: Show): string {
  if (!then && !now) return '-';
  const verdict = agrees === null ? '' : agrees ? ' =' : ' #';
  return `${then ? show(then) : '-'} -> ${now ? show(now) : '-'}${verdict}`;
}

function bare({ value }: Estimate): string {
  return value.toFixed(2);
}

function bareSpeed({ value }: Estimate): string {
  return digits(value);
}
