import { describe, expect, it } from 'vitest';
import { csv } from '../../../src/benchmark/out/csv.js';
import type { ContenderSummary } from '../../../src/benchmark/report.js';
import { about, fakeSummary, reportOf } from '../../support/fake-generation.js';

const FULL: ContenderSummary = fakeSummary({
  name: 'mtad k=4',
  targetPasses: 400,
  speedUp: { autoregressive: about(2), speculative: about(1.5), predictor: about(1.25) },
  firstTokenMs: 31.25,
  blockEfficiency: 2.5,
  acceptanceRate: 0.75,
  acceptanceByPosition: [0.9, 0.625],
  msPerToken: { draft: 4, verify: 14, own: 2 },
  achievedOfPossible: 0.95,
  perplexity: about(4.5),
  distinct: [0.25, 0.5, 1, 1],
  joulesPerToken: { gross: 3, net: 2.5 },
});
const EMPTY = fakeSummary({ generations: 0, tokens: 0, tokensPerSecond: null });

/** Cells by the names of their columns; no name or figure here has a comma in it. */
function rowsOf(text: string): Record<string, string>[] {
  const [header, ...lines] = text.trimEnd().split('\n');
  const names = header!.split(',');
  return lines.map((line) => {
    const cells = line.split(',');
    expect(cells).toHaveLength(names.length);
    return Object.fromEntries(names.map((name, i) => [name, cells[i]!]));
  });
}

describe('a report as CSV', () => {
  it('has a row for each contender, in their order, and the same columns whatever is in them', () => {
    const header = (contenders: ContenderSummary[]) => csv(reportOf(contenders)).split('\n')[0]!;
    expect(header([EMPTY])).toBe(header([FULL]));
    const names = header([FULL]).split(',');
    expect(new Set(names).size).toBe(names.length);
    const rows = rowsOf(csv(reportOf([EMPTY, FULL, { ...FULL, engine: 'bindings' }])));
    expect(rows.map(({ setting, engine }) => [setting, engine])).toEqual([
      ['autoregressive', 'direct'],
      ['mtad k=4', 'direct'],
      ['mtad k=4', 'bindings'],
    ]);
  });

  it('has its columns in the order of the table', () => {
    const names = csv(reportOf([FULL]))
      .split('\n')[0]!
      .split(',');
    const order = [
      ...['setting', 'engine', 'tokens', 'tokens_per_second', 'speed_up', 'perplexity', 'distinct_2'],
      ...['joules_per_token', 'speed_up_over_speculative', 'target_passes'],
      ...['first_token_ms', 'block_efficiency', 'acceptance_rate', 'achieved_of_possible'],
    ];
    expect(names.filter((name) => order.includes(name))).toEqual(order);
  });

  it('has every figure of a contender, unrounded', () => {
    const third = { ...FULL, tokensPerSecond: { value: 10 / 3, low: 3, high: 11 / 3 } };
    expect(rowsOf(csv(reportOf([third])))).toEqual([
      {
        setting: 'mtad k=4',
        engine: 'direct',
        role: 'strategy',
        generations: '10',
        tokens: '1000',
        target_passes: '400',
        tokens_per_second: String(10 / 3),
        tokens_per_second_low: '3',
        tokens_per_second_high: String(11 / 3),
        speed_up: '2',
        speed_up_low: '1.5',
        speed_up_high: '2.5',
        speed_up_over_speculative: '1.5',
        speed_up_over_speculative_low: '1',
        speed_up_over_speculative_high: '2',
        speed_up_over_predictor: '1.25',
        speed_up_over_predictor_low: '0.75',
        speed_up_over_predictor_high: '1.75',
        first_token_ms: '31.25',
        block_efficiency: '2.5',
        acceptance_rate: '0.75',
        acceptance_by_position: '0.9000 0.6250',
        draft_ms_per_token: '4',
        verify_ms_per_token: '14',
        own_ms_per_token: '2',
        achieved_of_possible: '0.95',
        perplexity: '4.5',
        perplexity_low: '4',
        perplexity_high: '5',
        distinct_1: '0.25',
        distinct_2: '0.5',
        distinct_3: '1',
        distinct_4: '1',
        joules_per_token: '2.5',
        joules_per_token_with_idle: '3',
        complete: 'true',
      },
    ]);
  });

  it('leaves empty what is not known, and says in every row whether the run was complete', () => {
    const [empty, bare] = rowsOf(
      csv(
        reportOf([EMPTY, fakeSummary({ perplexity: { value: 3, low: null, high: null } })], {
          complete: false,
        }),
      ),
    );
    const { setting: _s, engine: _e, role: _r, ...figures } = empty!;
    expect(Object.entries(figures).filter(([, cell]) => cell !== '')).toEqual([
      ['generations', '0'],
      ['tokens', '0'],
      ['complete', 'false'],
    ]);
    expect(bare).toMatchObject({
      perplexity: '3',
      perplexity_low: '',
      perplexity_high: '',
      complete: 'false',
    });
  });

  it('puts quotes around what would break a row', () => {
    const text = csv(reportOf([fakeSummary({ name: 'a,"b"' })]));
    expect(text.split('\n')[1]).toMatch(/^"a,""b""",direct,/);
  });
});
