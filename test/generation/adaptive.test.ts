import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { GenerationEvent } from '../../src/generation/events.js';
import { loadPair, type Pair } from '../../src/models/pair.js';
import { STRATEGIES, STRATEGY_NAMES } from '../../src/strategies/index.js';
import type { CostCurves } from '../../src/tuning/cost-curves.js';
import type { CostKey, CostStore } from '../../src/tuning/cost-store.js';
import { LearnedMemory, type LearnedStore } from '../../src/tuning/learned-store.js';
import { fakeProfile, TUNED, TUNED_DRAFT } from '../support/fake-profile.js';
import { openSession } from '../support/open-session.js';
import { PROMPT, run } from './generate-run.js';

/** Gives what it is made with, and remembers what it was asked and given. */
class Known implements CostStore {
  readonly asked: CostKey[] = [];
  readonly kept: CostCurves[] = [];
  readonly corrected: CostCurves[] = [];

  constructor(readonly curves?: CostCurves) {}

  async find(key: CostKey) {
    this.asked.push(key);
    return this.kept.at(-1) ?? this.curves;
  }

  async keep(_key: CostKey, curves: CostCurves) {
    this.kept.push(curves);
  }

  async correct(_key: CostKey, curves: CostCurves) {
    this.corrected.push(curves);
  }
}

const line = (first: number, eachMore: number) => [
  { rows: 1, ms: first },
  { rows: 17, ms: first + 16 * eachMore },
];
const CHEAP_ROWS: CostCurves = { target: line(10, 0.1), draft: line(0.1, 0.01) };
/** As of 8-bit weights on a processor: nearly all that a draft costs is the cost of its first tokens. */
const DEEP_DRAFTS = [1, 9, 17].map((rows, i) => ({ rows, ms: [10, 62, 66][i]! }));
const DEAR_DRAFT: CostCurves = { target: line(10, 1), draft: line(30, 1) };

let pair: Pair;
beforeAll(async () => {
  pair = await loadPair({ gpu: 'off' });
});
afterAll(() => pair?.dispose());

const AUTO = { draftLength: 'auto', seed: 3, maxTokens: 60 } as const;

describe('a draft length that is left open', () => {
  it('measures what passes cost once, and says what it found', async () => {
    const costs = new Known();
    const seen: GenerationEvent[] = [];
    const watch = (event: GenerationEvent) => seen.push(event);
    await run(pair, AUTO, { costs, watch });
    await run(pair, AUTO, { costs, watch });
    expect(costs.kept).toHaveLength(1);
    const [first, second] = seen.filter((event) => event.type === 'costs').map((event) => event.costs);
    expect(first!.measuredMs).toBeGreaterThan(0);
    expect(second!.measuredMs).toBeNull();
    expect(second!.target).toEqual(costs.kept[0]!.target);
    expect(first!.target[0]).toMatchObject({ rows: 1, ms: expect.any(Number) });
    expect(first!.draft!.map(({ rows }) => rows)).toEqual([1, 4, 9]);
  });

  it('writes the same text with the same costs, drafting as far as they allow', async () => {
    const [one, same, other] = await Promise.all(
      [CHEAP_ROWS, CHEAP_ROWS, DEAR_DRAFT].map((curves) => run(pair, AUTO, { costs: new Known(curves) })),
    );
    expect(same!.tokens).toEqual(one!.tokens);
    expect(one!.counters.drafted / one!.counters.steps).toBeGreaterThan(4);
    expect(other!.counters.drafted).toBe(0);
  });

  it('does not draft what a draft model as dear as the target would have to draft', async () => {
    const plain = await run(pair, { ...AUTO, strategy: 'autoregressive' });
    const adaptive = await run(pair, AUTO, { costs: new Known(DEAR_DRAFT) });
    expect(adaptive.tokens).toEqual(plain.tokens);
  });

  it.each(STRATEGY_NAMES)(
    'writes at temperature 0 with %s as many tokens as are asked for',
    async (strategy) => {
      const settings = { ...AUTO, strategy, temperature: 0, ignoreEos: true } as const;
      const { tokens, types } = await run(pair, settings, { costs: new Known(CHEAP_ROWS) });
      expect(tokens).toHaveLength(AUTO.maxTokens);
      const { heeds, mayRefuse } = STRATEGIES[strategy];
      expect(types.includes('costs')).toBe((heeds as readonly string[]).includes('draftLength') && mayRefuse);
    },
  );

  it('begins with what a profile has learned', async () => {
    const draftedFirst = async (a: number) => {
      const draft = { ...TUNED_DRAFT, survival: { ...TUNED_DRAFT.survival, a } };
      const profile = await fakeProfile({ ...TUNED, draft });
      const settings = { ...AUTO, beamWidth: 2, threshold: 0.3 };
      const { steps, drift } = await run(pair, settings, { costs: new Known(CHEAP_ROWS), profile });
      expect(drift!.steps).toBe(steps.length);
      return steps[0]!.draft.length;
    };
    expect(await draftedFirst(-3)).toBeLessThan(await draftedFirst(3));
  });

  it('begins with what other texts have learned: with long drafts where only those pay', async () => {
    const costs = new Known({ target: DEEP_DRAFTS, draft: line(0.1, 0) });
    const settings = { draftLength: 'auto', threshold: 0.1, maxTokens: 64, ignoreEos: true } as const;
    const first = async (seed: number, learned: LearnedStore) =>
      (await run(pair, { ...settings, seed }, { costs, learned })).steps[0]!.draft.length;
    const learned = new LearnedMemory();
    const alone = await first(1, learned);
    expect(alone).toBeLessThan(8); // the purse pays for no more
    await first(2, learned);
    expect(await first(3, learned)).toBeGreaterThan(2 * alone);
    expect(await first(3, new LearnedMemory())).toBe(alone);
  });

  it('writes the same text again beside fixed costs, whatever was written in between', async () => {
    const costs = Object.assign(new Known(CHEAP_ROWS), { areFixed: true });
    const learned = new LearnedMemory();
    const first = await run(pair, AUTO, { costs, learned });
    await run(pair, { ...AUTO, seed: 4 }, { costs, learned });
    expect((await run(pair, AUTO, { costs, learned })).tokens).toEqual(first.tokens);
  });

  it('begins every text of a conversation beside fixed costs as the first one', async () => {
    const curves = { target: DEEP_DRAFTS, draft: line(0.1, 0) };
    const costs = Object.assign(new Known(curves), { areFixed: true });
    const settings = { draftLength: 'auto', threshold: 0.1, maxTokens: 64, ignoreEos: true } as const;
    const { session, dispose } = await openSession(pair, settings, { costs, threads: 1 });
    const first = async () => {
      const steps = [];
      for await (const event of session.write(pair.target.tokenizer.encode(PROMPT)))
        if (event.type === 'step') steps.push(event.step);
      return steps[0]!.draft.length;
    };
    expect([await first(), await first()]).toEqual([7, 7]);
    await dispose();
  });

  it('shows all of a text before it keeps what the text has shown', async () => {
    const costs = new Known(CHEAP_ROWS);
    const { text } = await run(pair, AUTO, { costs });
    const order: string[] = [];
    const watch = ({ type }: GenerationEvent) => order.push(type);
    const learned: LearnedStore = { find: async () => undefined, keep: async () => void order.push('kept') };
    await run(pair, { ...AUTO, stop: [`${text.slice(-3)} never`] }, { costs, learned, watch });
    expect(order.slice(-3)).toEqual(['text', 'kept', 'end']); // three letters were held back
  });

  it('learns apart under other thresholds, temperatures and strategies', async () => {
    const keys: string[] = [];
    const learned: LearnedStore = {
      find: async () => undefined,
      keep: async (key) => void keys.push(JSON.stringify(key)),
    };
    for (const other of [
      {},
      { threshold: 0.52, seed: 5 },
      { threshold: 0.1 },
      { temperature: 0.5 },
      { strategy: 'block' },
      { draftFrom: 'lookup' },
      { beamWidth: 2 },
    ] as const)
      await run(pair, { ...AUTO, maxTokens: 4, ...other }, { costs: new Known(CHEAP_ROWS), learned });
    expect(new Set(keys).size).toBe(6); // the first two share what they learn
    expect(keys).toHaveLength(7);
  });

  it('corrects costs that are out of proportion to what passes take', async () => {
    const wrong = new Known({ target: line(10, 0.001), draft: line(0.0001, 0) });
    await run(pair, { ...AUTO, maxTokens: 200, ignoreEos: true }, { costs: wrong });
    const [{ target, draft } = CHEAP_ROWS] = wrong.corrected;
    expect(draft![0]!.ms / target[0]!.ms).toBeGreaterThan(0.01);
  });

  it('needs no draft model for a lookup', async () => {
    const costs = new Known();
    const { counters } = await run(pair, { ...AUTO, draftFrom: 'lookup' }, { costs });
    expect(costs.kept[0]!.draft).toBeUndefined();
    const seen: GenerationEvent[] = [];
    const watch = (event: GenerationEvent) => seen.push(event);
    await run(pair, { ...AUTO, draftFrom: 'lookup' }, { costs: new Known(CHEAP_ROWS), watch });
    const known = seen.find((event) => event.type === 'costs');
    expect(known!.costs.draft).toBeUndefined();
    expect(counters.draftPasses).toBe(0);
  });

  it('measures anew for a text that is much longer, and for other threads', async () => {
    const costs = new Known(CHEAP_ROWS);
    const short = { ...AUTO, maxTokens: 2 }; // two threads wait for each other where others compute too
    await run(pair, short, { costs });
    await run(pair, short, { costs, threads: 2 });
    await run(pair, short, { costs, prompt: 'One day, a cat sat. '.repeat(90) });
    expect(new Set(costs.asked.map((key) => JSON.stringify(key))).size).toBe(3);
    expect(costs.asked.map(({ text_up_to }) => text_up_to)).toEqual([512, 512, 1024]);
  });
});

describe('a beam width that follows the repetition', () => {
  const settings = { draftLength: 4, threshold: 0.1, seed: 3, maxTokens: 60 } as const;

  it('is one beam where none is allowed', async () => {
    const held = await run(pair, { ...settings, repetition: 0 });
    expect(held.tokens).toEqual((await run(pair, { ...settings, beamWidth: 1 })).tokens);
    expect(held.repetition!.beamWidth).toBe(1);
  });

  it('is fixed where nothing is said, and no matter of a lookup or a strategy without beams', async () => {
    for (const other of [
      {},
      { draftFrom: 'lookup', repetition: 0.1 },
      { strategy: 'block', repetition: 0.1 },
    ] as const)
      expect((await run(pair, { ...settings, maxTokens: 5, ...other })).repetition).toBeNull();
  });
});

describe('a threshold that is left open', () => {
  it('says what has become of the quality', async () => {
    const settings = { draftLength: 4, threshold: 'auto', quality: 0.9, seed: 3, maxTokens: 120 } as const;
    const { quality, repetition } = await run(pair, settings);
    expect(quality!.threshold).not.toBe(0.5);
    expect(quality!.perplexityRatio).toBeLessThan(1);
    expect(repetition!.share).toBeLessThan(0.2);
  });

  it('is no matter of a strategy without one', async () => {
    const settings = { draftLength: 4, threshold: 'auto', strategy: 'speculative', maxTokens: 5 } as const;
    expect((await run(pair, settings)).quality).toBeNull();
  });
});
