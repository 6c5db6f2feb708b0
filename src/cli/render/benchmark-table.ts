import type { ChalkInstance } from 'chalk';
import { type Column, columnsOf } from '../../benchmark/columns.js';
import { notes } from '../../benchmark/notes.js';
import type { BenchmarkReport } from '../../benchmark/report.js';
import { fits, folded, plainTable } from './plain-table.js';

const HINT = 'A wider terminal, --format md and --report show more columns';

/** Essential columns that a narrow terminal goes without, the first one first. */
const EXPENDABLE = ['distinct-2', 'accepted', 'per pass', 'J/token'];

/**
 * The table, its notes and the recommendation, for a terminal.
 * @param width of the terminal; where the table is wider, it keeps to the essential columns or fewer. Undefined: no limit
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
  const tables = selections(all).map(draw);
  const table = tables.find((one) => fits(one, width)) ?? tables.at(-1)!;
  const hints = table === tables[0] ? [] : [HINT];
  const lines = [...notes(report), ...hints].map((line) => folded(line, width));
  return [
    table,
    '',
    ...lines.map((line, i) => (i === 0 && !report.complete ? colors.red(line) : colors.dim(line))),
    '',
    colors.bold(folded(report.recommendation, width)),
    '',
  ].join('\n');
}

/** From all columns to the fewest. */
function selections(all: readonly Column[]): (readonly Column[])[] {
  const essential = all.filter((column) => column.essential);
  const narrower = EXPENDABLE.map((_, i) => {
    const gone = EXPENDABLE.slice(0, i + 1);
    return essential.filter(({ head }) => !gone.includes(head));
  });
  return [all, essential, ...narrower];
}
