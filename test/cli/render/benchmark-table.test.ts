import { expect, it } from 'vitest';
import { benchmarkTable } from '../../../src/cli/render/benchmark-table.js';
import { colorsFor } from '../../../src/cli/render/colors.js';
import { about, fakeSummary, reportOf } from '../../support/fake-generation.js';

const told = {
  speedUp: { autoregressive: about(1.5), speculative: about(1.25), predictor: about(1) },
  perplexity: about(4),
  distinct: [0.25, 0.5, 1],
  acceptanceRate: 0.5,
  blockEfficiency: 2.5,
};
const OURS = fakeSummary({ name: 'mtad k=4 w=4 tau=0.5', ...told });
const PEER = fakeSummary({
  ...told,
  name: 'DraftSequenceTokenPredictor',
  engine: 'node-llama-cpp',
  role: 'peer',
});

/** The lines of the table, heads included. */
function linesOf(contenders: Parameters<typeof reportOf>[0], width: number): string[] {
  const [table] = benchmarkTable(reportOf(contenders), colorsFor('never', false, {}), width).split('\n\n');
  return table!.split('\n');
}

it('has a line for each contender at 80 columns, peers included', () => {
  const lines = linesOf([OURS, PEER], 80);
  expect(lines).toHaveLength(3);
  expect(lines[0]).toMatch(/^setting +tokens\/s +speed-up +perplexity$/);
  expect(lines[1]).toContain('1.50 (1.00 to 2.00)');
});

it('keeps the engine where settings of ours differ in it', () => {
  const lines = linesOf([OURS, { ...OURS, engine: 'bindings' }, PEER], 90);
  expect(lines[0]).toMatch(/^setting +engine +tokens\/s/);
});

it('gives the intervals up before it breaks lines', () => {
  const lines = linesOf([OURS, PEER], 60);
  expect(lines).toHaveLength(3);
  expect(lines.join()).not.toContain(' to ');
  expect(lines[1]).toMatch(/ 20\.0 +1\.50 +4\.00$/);
});

it.each([20, 40, 60, 80, 100, 140, 200])('shows every contender and its speed at %i columns', (width) => {
  const lines = linesOf([OURS, PEER], width);
  expect(lines.filter((line) => line.includes('20.0'))).toHaveLength(2);
});
