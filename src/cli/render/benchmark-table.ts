import type { ChalkInstance } from 'chalk';
import { type Column, cellOf, columnsOf } from '../../benchmark/out/columns.js';
import { notes } from '../../benchmark/out/notes.js';
import type { BenchmarkReport } from '../../benchmark/report.js';
import { fits, folded, plainTable } from './plain-table.js';

const HINT = 'A wider terminal, --format md and --report show more columns';

/** Columns that a narrow terminal leaves out, the first one first. */
const EXPENDABLE = ['distinct-2', 'accepted', 'per pass', 'J/token'];

/**
 * Returns the table, its notes and the recommendation, for a terminal.
 * @param width of the terminal, in characters; a table that is wider loses columns. Undefined: no limit
 */
export function benchmarkTable(
  report: BenchmarkReport,
  colors: ChalkInstance,
  width: number | undefined,
): string {
  const draw = (columns: readonly Column[]) =>
    plainTable(
      columns,
      report.contenders.map((one) => columns.map((column) => cellOf(column, one))),
      colors,
    );
  const tables = selections(report).map(draw);
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

/** Selections of columns, from all to the fewest. The last ones also lose the interval of tokens/s, then all intervals. */
function selections(report: BenchmarkReport): (readonly Column[])[] {
  const all = columnsOf(report);
  const essential = all.filter((column) => column.essential);
  const ours = report.contenders.filter(({ role }) => role !== 'peer').map(({ engine }) => engine);
  const expendable = new Set(ours).size > 1 ? EXPENDABLE : [...EXPENDABLE, 'engine']; // the name of a peer tells its engine
  const narrower = expendable.map((_, i) => {
    const gone = expendable.slice(0, i + 1);
    return essential.filter(({ head }) => !gone.includes(head));
  });
  const fewest = narrower.at(-1)!;
  const shorter = fewest.map((column) => (column.head === 'tokens/s' ? withoutInterval(column) : column));
  return [all, essential, ...narrower, shorter, fewest.map(withoutInterval)];
}

function withoutInterval({ range: _, ...column }: Column): Column {
  return column;
}
