import { describe, expect, it } from 'vitest';
import type { Estimate, Generation } from '../../src/benchmark/report.js';
import { summarise } from '../../src/benchmark/summary.js';
import { createRng } from '../../src/math/rng.js';
import { contenderOf, fakeGeneration, timed, UNTOLD } from '../support/fake-generation.js';

const PLAIN = contenderOf('autoregressive');
const MTAD = contenderOf('mtad k=4 w=4 tau=0.5');

/** The only contender's summary. */
const summaryOf = (generations: readonly Generation[], idleWatts: number | null = null) =>
  summarise([PLAIN], generations, [], idleWatts)[0]!;

describe('a summary', () => {
  it('is one of each contender, in their order, of its own texts on its own engine', () => {
    const elsewhere = { ...PLAIN, engine: 'bindings' };
    const generations = [
      timed(3, 100),
      timed(5, 100, { contender: MTAD.name }),
      timed(7, 100, { engine: 'bindings' }),
      timed(11, 100, { contender: MTAD.name }),
    ];
    const summaries = summarise([MTAD, elsewhere, PLAIN], generations, [], null);
    expect(summaries).toMatchObject([
      { ...MTAD, generations: 2, tokens: 16 },
      { ...elsewhere, generations: 1, tokens: 7 },
      { ...PLAIN, generations: 1, tokens: 3 },
    ]);
  });

  it('has the speed of all texts together, and the median of first tokens', () => {
    const first = (firstToken: number | null) => ({ prefill: 1, firstToken, draft: 0, verify: 0, own: 0 });
    const { tokensPerSecond, firstTokenMs } = summaryOf([
      timed(4, 100, { ms: { ...first(30), decode: 100 } }), // 40/s
      timed(10, 0, { ms: { ...first(10), decode: 1000 } }), // 10/s
      timed(8, 0, { ms: { ...first(80), decode: 400 } }), // 20/s
      timed(6, 0, { ms: { ...first(null), decode: 200 } }), // 30/s
    ]);
    expect(tokensPerSecond!.value).toBeCloseTo((1000 * 28) / 1700, 10);
    expect(firstTokenMs).toBe(30);
  });

  it('has speeds whose quotient is the speed-up, with an interval over prompts', () => {
    const prompts = ['a', 'b', 'c', 'd', 'e'];
    const texts = prompts.flatMap((prompt, i) => [
      timed(10 + i, 300 * (i + 1), { prompt }),
      timed(20 - i, 200 + 90 * i, { prompt, contender: MTAD.name }),
    ]);
    const [plain, mtad] = summarise([PLAIN, MTAD], texts, [], null);
    const { value, low, high } = mtad!.tokensPerSecond!;
    expect(mtad!.speedUp.autoregressive!.value).toBeCloseTo(value / plain!.tokensPerSecond!.value, 10);
    expect(low).toBeLessThan(value);
    expect(high).toBeGreaterThan(value);
  });

  it('keeps for the same texts the intervals that it had', () => {
    const rng = createRng(11);
    const texts = (contender: string) =>
      Array.from({ length: 12 }, (_, i) =>
        timed(10 + Math.floor(50 * rng()), 100 + 900 * rng(), {
          ...{ prompt: `${i}`, contender, logProbSum: -20 - 30 * rng() },
        }),
      );
    const both = [...texts(PLAIN.name), ...texts(MTAD.name)];
    const [plain, mtad] = summarise([PLAIN, MTAD], both, [], null);
    const rounded = (estimate: Estimate | null) => Object.values(estimate!).map((value) => value.toFixed(6));
    expect(rounded(plain!.tokensPerSecond)).toEqual(['66.601437', '43.136042', '105.895760']);
    expect(rounded(mtad!.speedUp.autoregressive)).toEqual(['0.933737', '0.462315', '1.845377']);
    expect(rounded(mtad!.perplexity)).toEqual(['2.785668', '2.077492', '4.831775']);
  });

  it('has no interval of one text', () => {
    expect(summaryOf([timed(4, 200)]).tokensPerSecond).toEqual({ value: 20, low: null, high: null });
  });

  it('has passes, tokens per pass, acceptance and time per token from the sums over all texts', () => {
    const spoken = (draftedByPosition: number[], acceptedByPosition: number[], passes: number) => ({
      steps: passes,
      targetPasses: passes,
      draftPasses: 0,
      drafted: draftedByPosition.reduce((a, b) => a + b, 0),
      accepted: acceptedByPosition.reduce((a, b) => a + b, 0),
      draftedByPosition,
      acceptedByPosition,
    });
    const ms = { prefill: 1, firstToken: 1, decode: 100, draft: 20, verify: 70, own: 10 };
    const summary = summaryOf([
      fakeGeneration({ tokens: Array(10).fill(1), speculation: spoken([4, 4, 3], [3, 2, 1], 4), ms }),
      fakeGeneration({ tokens: Array(6).fill(1), speculation: spoken([4, 4], [1, 0], 6), ms }),
    ]);
    expect(summary.targetPasses).toBe(10);
    expect(summary.blockEfficiency).toBe(16 / 10);
    expect(summary.acceptanceRate).toBe(7 / 19);
    expect(summary.acceptanceByPosition).toEqual([4 / 8, 2 / 8, 1 / 3]); // of the drafts that came so far
    expect(summary.msPerToken).toEqual({ draft: 40 / 16, verify: 140 / 16, own: 20 / 16 });
  });

  it('has no acceptance rate where nothing was drafted, and 0 where nothing was accepted', () => {
    expect(summaryOf([fakeGeneration()])).toMatchObject({ acceptanceRate: null, acceptanceByPosition: [] });
    const speculation = {
      ...fakeGeneration().speculation!,
      drafted: 8,
      draftedByPosition: [4, 4],
      acceptedByPosition: [0, 0],
    };
    expect(summaryOf([fakeGeneration({ speculation })])).toMatchObject({
      acceptanceRate: 0,
      acceptanceByPosition: [0, 0],
    });
  });

  it('has the mean of the distinct-n of the texts that are long enough', () => {
    const { distinct } = summaryOf([
      fakeGeneration({ tokens: [1, 2, 1, 2] }), // 1/2, 2/3, 1
      fakeGeneration({ tokens: [1, 1] }), // 1/2, 1
      fakeGeneration({ tokens: [5] }), // 1
    ]);
    expect(distinct[0]).toBeCloseTo(2 / 3, 10);
    expect(distinct[1]).toBeCloseTo(5 / 6, 10);
    expect(distinct[2]).toBe(1);
    expect(summaryOf([fakeGeneration({ tokens: [5] })]).distinct).toEqual([1, null, null, null]);
  });

  it('has energy per token with idle power and without, of the texts for which it was counted', () => {
    const generations = [
      timed(10, 2000, { joules: 100 }),
      timed(30, 4000, { joules: 140 }),
      timed(50, 9000, { joules: null }),
    ];
    const { joulesPerToken } = summaryOf(generations, 20);
    expect(joulesPerToken!.gross).toBeCloseTo(240 / 40, 10);
    expect(joulesPerToken!.net).toBeCloseTo((240 - 20 * 6) / 40, 10); // 6 seconds of them
    expect(summaryOf(generations, null).joulesPerToken).toEqual({ gross: 6, net: null });
    expect(summaryOf([timed(10, 2000)], 20).joulesPerToken).toBeNull();
  });
});

describe('the perplexity', () => {
  it('is exp of minus the mean log-probability of all tokens', () => {
    const unlikely = timed(10, 100, { prompt: 'a', logProbSum: -10 * Math.log(8) });
    const likely = timed(30, 100, { prompt: 'b', logProbSum: -30 * Math.log(2) });
    const { perplexity } = summaryOf([unlikely, likely]);
    expect(perplexity!.value).toBeCloseTo(2 ** ((3 * 10 + 1 * 30) / 40), 10);
    const more = ['c', 'd', 'e', 'f'].map((prompt) => ({ ...likely, prompt }));
    const { low, high } = summaryOf([unlikely, likely, ...more]).perplexity!;
    expect(low).toBeCloseTo(2, 10); // that of the likely ones alone
    expect(high).toBeCloseTo(2 ** ((3 * 40 + 1 * 60) / 100), 10); // four of six are the unlikely one: 9 times in 1000
  });

  it('is not known where a text was not scored', () => {
    expect(summaryOf([fakeGeneration(), fakeGeneration({ logProbSum: null })]).perplexity).toBeNull();
  });
});

describe('the part of the possible', () => {
  const costs = [
    { engine: 'direct', model: 'target', tokens: 1, ms: 40 },
    { engine: 'direct', model: 'target', tokens: 5, ms: 50 },
    { engine: 'direct', model: 'draft', tokens: 1, ms: 5 },
  ] as const;
  const part = (...generations: Generation[]) =>
    summarise([PLAIN], generations, costs, null)[0]!.achievedOfPossible;

  it('is what the passes cost bare ÷ the time taken, over all texts', () => {
    const first = timed(4, 200, { passes: { target: [[1, 4]], draft: [] } }); // 160
    const second = timed(4, 100, { passes: { target: [[5, 1]], draft: [[1, 4]] } }); // 70
    expect(part(first)).toBe(160 / 200);
    expect(part(first, second)).toBe(230 / 300);
  });

  it('leaves out texts with a pass that was never measured', () => {
    const known = timed(4, 200, { passes: { target: [[1, 4]], draft: [] } });
    const unknown = timed(4, 100, { passes: { target: [[3, 4]], draft: [] } });
    expect(part(known, unknown)).toBe(160 / 200);
    expect(part(unknown)).toBeNull();
    expect(part(timed(4, 100, UNTOLD))).toBeNull();
  });
});

describe('a summary of little', () => {
  it('has nothing to tell of a contender without texts', () => {
    expect(summarise([MTAD, PLAIN], [fakeGeneration()], [], 5)[0]).toEqual({
      ...MTAD,
      generations: 0,
      tokens: 0,
      targetPasses: null,
      tokensPerSecond: null,
      speedUp: { autoregressive: null, speculative: null, predictor: null },
      firstTokenMs: null,
      blockEfficiency: null,
      acceptanceRate: null,
      acceptanceByPosition: [],
      msPerToken: null,
      achievedOfPossible: null,
      perplexity: null,
      distinct: [null, null, null, null],
      joulesPerToken: null,
    });
  });

  it('knows of a peer what can be told from outside', () => {
    const peer = contenderOf('evaluate()', { engine: 'node-llama-cpp', role: 'peer' });
    const text = { ...UNTOLD, contender: peer.name, engine: peer.engine, logProbSum: -4 * Math.log(3) };
    const [summary] = summarise([peer, PLAIN], [timed(4, 50, text), timed(4, 100)], [], null);
    expect(summary).toMatchObject({
      targetPasses: null,
      blockEfficiency: null,
      acceptanceRate: null,
      acceptanceByPosition: [],
      msPerToken: null,
      achievedOfPossible: null,
      tokensPerSecond: { value: 80 },
      speedUp: { autoregressive: { value: 2 } },
    });
    expect(summary!.perplexity!.value).toBeCloseTo(3, 10);
  });

  const nothing = { steps: 0, targetPasses: 0, draftPasses: 0, drafted: 0, accepted: 0 };
  it.each<{ what: string; generations: Partial<Generation>[] }>([
    { what: 'no text', generations: [] },
    {
      what: 'texts of no token',
      generations: [
        { tokens: [], logProbSum: 0 },
        { tokens: [], joules: 3 },
      ],
    },
    {
      what: 'texts in no time',
      generations: [{ ms: { prefill: 0, firstToken: 0, decode: 0, draft: 0, verify: 0, own: 0 }, joules: 0 }],
    },
    {
      what: 'texts in no step',
      generations: [{ speculation: { ...nothing, draftedByPosition: [], acceptedByPosition: [] } }],
    },
    {
      what: 'texts of no probability at all',
      generations: [{ logProbSum: Number.NEGATIVE_INFINITY }, { logProbSum: -1e6 }],
    },
    { what: 'peers and others under one name', generations: [UNTOLD, {}] },
  ])('has figures or nulls, never NaN or Infinity, for $what', ({ generations }) => {
    const texts = [PLAIN, MTAD].flatMap(({ name }) =>
      ['a', 'b'].flatMap((prompt) =>
        generations.map((rest, repetition) =>
          fakeGeneration({ contender: name, prompt, repetition, ...rest }),
        ),
      ),
    );
    for (const idleWatts of [null, 12]) {
      const summaries = summarise([PLAIN, MTAD], texts, [], idleWatts);
      expect(JSON.parse(JSON.stringify(summaries))).toStrictEqual(summaries); // JSON makes null of them
    }
  });
});
