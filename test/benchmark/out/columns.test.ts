import { describe, expect, it } from 'vitest';
import { cellOf, columnsOf, digits, estimateText } from '../../../src/benchmark/out/columns.js';
import type { ContenderSummary } from '../../../src/benchmark/report.js';
import { about, fakeSummary } from '../../support/fake-generation.js';

const heads = (...contenders: ContenderSummary[]) => columnsOf({ contenders }).map(({ head }) => head);

/** What the columns say of a contender. */
const cells = (rest: Partial<ContenderSummary>) => {
  const one = fakeSummary(rest);
  return Object.fromEntries(
    columnsOf({ contenders: [one] }).map((column) => [column.head, cellOf(column, one)]),
  );
};

describe('the columns', () => {
  it('are those in which somebody has something to tell', () => {
    expect(heads(fakeSummary({ tokensPerSecond: null }))).toEqual(['setting', 'tokens']);
    expect(heads(fakeSummary())).toEqual(['setting', 'tokens', 'tokens/s']);
    expect(
      heads(fakeSummary(), fakeSummary({ name: 'mtad', acceptanceRate: 0, perplexity: about(4) })),
    ).toEqual(['setting', 'tokens', 'tokens/s', 'perplexity', 'accepted']);
  });

  it('have quality and energy beside speed, before all else', () => {
    const one = fakeSummary({
      engine: 'bindings',
      targetPasses: 400,
      speedUp: { autoregressive: about(2), speculative: about(1.5), predictor: null },
      perplexity: about(4),
      distinct: [0.25, 0.5, 1],
      joulesPerToken: { gross: 3, net: 2.5 },
    });
    expect(heads(fakeSummary(), one).slice(0, 8)).toEqual([
      ...['setting', 'engine', 'tokens', 'tokens/s', 'speed-up', 'perplexity', 'distinct-2', 'J/token'],
    ]);
  });

  it('do not tell of guesses as accepted where nobody could refuse them', () => {
    expect(heads(fakeSummary({ name: 'mtjd k=4 w=4', acceptanceRate: 1 }))).not.toContain('accepted');
  });

  it('name the engine where there are several', () => {
    expect(heads(fakeSummary(), fakeSummary({ engine: 'bindings' }))).toContain('engine');
    expect(heads(fakeSummary(), fakeSummary())).not.toContain('engine');
  });

  it('show the figures of a contender', () => {
    expect(
      cells({
        name: 'mtad k=4',
        targetPasses: 400,
        tokensPerSecond: { value: 123.4, low: 118.4, high: 128.4 },
        speedUp: { autoregressive: about(2), speculative: about(1.5), predictor: about(1.25) },
        firstTokenMs: 31.25,
        blockEfficiency: 2.5,
        acceptanceRate: 0.756,
        acceptanceByPosition: [0.812, 0.7, null],
        msPerToken: { draft: 4, verify: 14, own: 2 },
        achievedOfPossible: 0.953,
        perplexity: { value: 4.5, low: 4, high: 6 },
        distinct: [0.25, 0.5, 1],
        joulesPerToken: { gross: 3, net: 2.5 },
      }),
    ).toEqual({
      setting: 'mtad k=4',
      tokens: '1000',
      passes: '400',
      'tokens/s': '123 (118 to 128)',
      'speed-up': '2.00 (1.50 to 2.50)',
      '/ speculative': '1.50 (1.00 to 2.00)',
      '/ predictor': '1.25 (0.75 to 1.75)',
      'first token': '31.3 ms',
      'per pass': '2.50',
      accepted: '0.76',
      'by position': '0.81/0.70/-',
      'draft/verify/own': '20/70/10',
      'of possible': '0.95',
      perplexity: '4.50 (4.00 to 6.00)',
      'distinct-2': '0.50',
      'J/token': '2.50 (3.00)',
    });
  });

  it('do not pass energy with idle power off as energy without it', () => {
    const contenders = [fakeSummary({ joulesPerToken: { gross: 3, net: null } })];
    const column = columnsOf({ contenders }).find(({ head }) => head === 'J/token')!;
    expect(cellOf(column, contenders[0]!)).toBe('? (3.00)');
  });

  it('have names and meanings of their own', () => {
    const columns = columnsOf({ contenders: [fakeSummary({ perplexity: about(1), targetPasses: 3 })] });
    expect(new Set(columns.map(({ head }) => head)).size).toBe(columns.length);
    expect(new Set(columns.map(({ meaning }) => meaning)).size).toBe(columns.length);
  });
});

describe('figures', () => {
  it.each([
    [1234.5, '1235'],
    [123.4, '123'],
    [12.34, '12.3'],
    [1.234, '1.23'],
    [0.5, '0.50'],
    [0, '0.00'],
    [-12.34, '-12.3'],
  ])('%d is shown as %s', (value, text) => {
    expect(digits(value)).toBe(text);
  });

  it('have their interval beside them from low to high, where there is one', () => {
    expect(estimateText({ value: 1.5, low: 1.25, high: 2.25 })).toBe('1.50 (1.25 to 2.25)');
    expect(estimateText({ value: 1.5, low: null, high: null })).toBe('1.50');
    expect(estimateText({ value: 0.66, low: 0.31, high: 1.63 })).toBe('0.66 (0.31 to 1.63)'); // never 0.66 ± 0.66
  });
});
