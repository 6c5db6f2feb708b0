import { describe, expect, it } from 'vitest';
import { cellOf, columnsOf } from '../../../src/benchmark/out/columns.js';
import { markdown } from '../../../src/benchmark/out/markdown.js';
import { notes } from '../../../src/benchmark/out/notes.js';
import { about, fakeSummary, reportOf } from '../../support/fake-generation.js';

const CONTENDERS = [
  fakeSummary({ perplexity: about(5) }),
  fakeSummary({ name: 'mtad k=4', perplexity: about(4), blockEfficiency: 2.5 }),
  fakeSummary({ name: 'evaluate()', role: 'peer' }),
];
const REPORT = reportOf(CONTENDERS);

/** The cells of the table, line by line. */
const tableOf = (text: string) =>
  text
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) =>
      line
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim()),
    );

describe('a report as Markdown', () => {
  it('is the recommendation, the table and the notes', () => {
    const [first, table, list] = markdown(REPORT).split('\n\n');
    expect(first).toBe(REPORT.recommendation);
    expect(tableOf(table!)).toHaveLength(2 + CONTENDERS.length);
    expect(list).toBe(
      notes(REPORT)
        .map((note) => `- ${note}\n`)
        .join(''),
    );
  });

  it('shows the names of others as they are, whatever they mean in Markdown', () => {
    const { conditions } = REPORT;
    const skipped = [{ id: '<img src=x> [a](b) `c` *d* \\', reason: 'too long' }];
    const text = markdown(reportOf(CONTENDERS, { conditions: { ...conditions, skipped } }));
    expect(text).toContain('\\<img src=x> \\[a\\](b) \\`c\\` \\*d\\* \\\\ (too long)');
  });

  it('has a row of every contender, and of every column a cell in each', () => {
    const [head, dashes, ...rows] = tableOf(markdown(REPORT));
    const columns = columnsOf(REPORT);
    expect(head).toEqual(columns.map((column) => column.head));
    expect(dashes!.map((cell) => cell.endsWith(':'))).toEqual(columns.map(({ align }) => align === 'right'));
    expect(rows).toEqual(CONTENDERS.map((one) => columns.map((column) => cellOf(column, one))));
    expect(rows.map(([name]) => name)).toEqual(['autoregressive', 'mtad k=4', 'evaluate()']);
  });

  it('is a table of names where nothing was finished', () => {
    const idle = fakeSummary({ generations: 0, tokens: 0, tokensPerSecond: null });
    const report = reportOf([idle], { complete: false, generations: [] });
    expect(tableOf(markdown(report)).map(([name]) => name)).toEqual([
      'setting',
      expect.anything(),
      'autoregressive',
    ]);
    expect(markdown(report)).toContain('- INCOMPLETE: the run ended early; 0 generations are in it\n');
  });
});
