import { stripVTControlCharacters } from 'node:util';
import type { ChalkInstance } from 'chalk';
import Table from 'cli-table3';
import { type Column, columnsOf, plusMinus } from '../../benchmark/columns.js';
import type { Comparison, Pairing } from '../../benchmark/compare.js';
import { notes } from '../../benchmark/notes.js';
import type { BenchmarkReport } from '../../benchmark/report.js';

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
  const fits =
    width === undefined ||
    Math.max(...whole.split('\n').map((line) => stripVTControlCharacters(line).length)) <= width;
  const hint = 'A wider terminal, --format md and --report show more columns';
  const lines = [...notes(report), ...(fits ? [] : [hint])];
  return [
    fits ? whole : draw(all.filter(({ essential }) => essential)),
    '',
    ...lines.map((line, i) => (i === 0 && !report.complete ? colors.red(line) : colors.dim(line))),
    '',
    colors.bold(report.recommendation),
    '',
  ].join('\n');
}

/** What has changed since an earlier report. */
export function comparisonTable({ changes, warnings, only }: Comparison, colors: ChalkInstance): string {
  const columns = ['setting', 'engine', 'tokens/s', 'speed-up', 'perplexity'].map((head, i) => {
    return { head, align: i < 2 ? ('left' as const) : ('right' as const) };
  });
  const rows = changes.map(({ name, engine, speed, speedUp, perplexity }) => [
    name,
    engine,
    pairingText(speed),
    pairingText(speedUp),
    pairingText(perplexity),
  ]);
  const lines = [
    ...warnings.map((warning) => `not the same: ${warning}`),
    ...(only.length > 0 ? [`in one of the reports only: ${only.join(', ')}`] : []),
    '= the 95 % intervals overlap, # they do not',
  ];
  return `${plainTable(columns, rows, colors)}\n\n${lines.map((line) => `${colors.dim(line)}\n`).join('')}`;
}

function pairingText({ then, now, agrees }: Pairing): string {
  const verdict = agrees === null ? '' : agrees ? ' =' : ' #';
  return `${plusMinus(then)} -> ${plusMinus(now)}${verdict}`;
}

/** Columns without lines, as `ls` and `ps` have them. */
export function plainTable(
  columns: readonly Pick<Column, 'head' | 'align'>[],
  rows: readonly (readonly string[])[],
  colors: ChalkInstance,
): string {
  const sides = ['top', 'bottom', 'left', 'right'];
  const places = ['', '-mid', '-left', '-right'];
  const none = Object.fromEntries(sides.flatMap((side) => places.map((place) => [side + place, ''])));
  const table = new Table({
    head: columns.map(({ head }) => colors.bold(head)),
    colAligns: columns.map(({ align }) => align),
    chars: { ...none, mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '', middle: '  ' },
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  });
  table.push(...rows.map((row) => [...row]));
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}
