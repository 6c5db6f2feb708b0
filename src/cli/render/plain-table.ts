import { stripVTControlCharacters } from 'node:util';
import type { ChalkInstance } from 'chalk';
import Table from 'cli-table3';
import type { Column } from '../../benchmark/out/columns.js';

/** A column, and how to draw it. */
export interface DrawnColumn extends Pick<Column, 'head' | 'align'> {
  /** In characters; longer cells are wrapped. Undefined = the width of the widest cell. */
  readonly width?: number;
}

/** Returns a table without lines, like those of `ls` and `ps`, with bold heads. */
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

/** Returns the lines of a table without colours, since cli-table3 counts and cuts colours as text. */
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

/** Whether a table fits into a terminal. @param width in characters; undefined or 0: not known, and every table fits */
export function fits(table: string, width: number | undefined): boolean {
  return !width || table.split('\n').every((line) => stripVTControlCharacters(line).length <= width);
}

/** Breaks a line between words where the terminal would break it within one. */
export function folded(line: string, width: number | undefined): string {
  return width ? line.replace(new RegExp(`(.{1,${width}})(?: |$)`, 'g'), '$1\n').trimEnd() : line;
}
