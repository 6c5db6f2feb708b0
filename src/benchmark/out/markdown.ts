import { markdownTable } from 'markdown-table';
import type { BenchmarkReport } from '../report.js';
import { cellOf, columnsOf } from './columns.js';
import { notes } from './notes.js';

/** The recommendation, the table and its notes, as Markdown. */
export function markdown(report: BenchmarkReport): string {
  const columns = columnsOf(report);
  const rows = report.contenders.map((one) => columns.map((column) => cellOf(column, one)));
  const table = markdownTable([columns.map(({ head }) => head), ...rows], {
    align: columns.map(({ align }) => align),
  });
  return `${report.recommendation}\n\n${table}\n\n${notes(report)
    .map((note) => `- ${escaped(note)}\n`)
    .join('')}`;
}

/** Names of files and prompts are other people's, and may hold anything. */
function escaped(text: string): string {
  return text.replaceAll(/[\\`*[\]<]/g, '\\$&');
}
