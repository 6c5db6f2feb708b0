import type { ChalkInstance } from 'chalk';
import { type Column, columnsOf } from '../../benchmark/columns.js';
import { notes } from '../../benchmark/notes.js';
import type { BenchmarkReport } from '../../benchmark/report.js';
import { fits, folded, plainTable } from './plain-table.js';

const HINT = 'A wider terminal, --format md and --report show more columns';

/**
 * The table, its notes and the recommendation, for a terminal.
 * @param width of the terminal; where the table is wider, it keeps to the essential columns. Undefined: no limit
 */
export function benchmarkTable(
  report: BenchmarkReport,
  colors: ChalkInstance,
  width: number | undefined,
): string {
  const all = columnsOf(report);
  const draw = (columns: readonly Column[]) =>
    plainTable(
      columns,
      report.contenders.map((one) => columns.map(({ cell }) => cell(one))),
      colors,
    );
  const whole = draw(all);
  const isWhole = fits(whole, width);
  const lines = [...notes(report), ...(isWhole ? [] : [HINT])].map((line) => folded(line, width));
  return [
    isWhole ? whole : draw(all.filter(({ essential }) => essential)),
    '',
    ...lines.map((line, i) => (i === 0 && !report.complete ? colors.red(line) : colors.dim(line))),
    '',
    colors.bold(folded(report.recommendation, width)),
    '',
  ].join('\n');
}
