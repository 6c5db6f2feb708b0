import { stripVTControlCharacters } from 'node:util';
import type { ChalkInstance } from 'chalk';
import Table from 'cli-table3';
import type { Column } from '../../benchmark/out/columns.js';

/** A column as it is drawn. */
export interface DrawnColumn extends Pick<Column, 'head' | 'align'> {
  /** Characters, at which cells are wrapped; undefined = as wide as its widest cell. */
  readonly width?: number;
}

/** Columns without lines, as `ls` and `ps` have them, under bold heads. */
export function plainTable(
  columns: readonly DrawnColumn[],
  rows: readonly (readonly string[])[],
  colors: ChalkInstance,
): string {
  const heads = linesOf(columns, []).length; // more than one where a head is wrapped
  return linesOf(columns, rows)
    .map((line, i) => (i < heads ? colors.bold(line) : line))
    .join('\n');
}

/** Without colours in the heads, which cli-table3 would count and cut as text. */
function linesOf(columns: readonly DrawnColumn[], rows: readonly (readonly string[])[]): string[] {
  const sides = ['top', 'bottom', 'left', 'right'];
  const places = ['', '-mid', '-left', '-right'];
  const none = Object.fromEntries(sides.flatMap((side) => places.map((place) => [side + place, ''])));
  const table = new Table({
    head: columns.map(({ head }) => head),
    colAligns: columns.map(({ align }) => align),
    colWidths: columns.map(({ width }) => width ?? null),
    wordWrap: true,
    wrapOnWordBoundary: false,
    chars: { ...none, mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '', middle: '  ' },
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  });
  table.push(...rows.map((row) => [...row]));
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd());
}

/** @param width of the terminal; undefined or 0: not known, so anything fits */
export function fits(table: string, width: number | undefined): boolean {
  return !width || table.split('\n').every((line) => stripVTControlCharacters(line).length <= width);
}

/** Breaks a line between words where the terminal would break it within one. */
export function folded(line: string, width: number | undefined): string {
  return width ? line.replace(new RegExp(`(.{1,${width}})(?: |$)`, 'g'), '$1\n').trimEnd() : line;
}
