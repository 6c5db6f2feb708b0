import { describe, expect, it } from 'vitest';
import {
  type Penalties,
  type PenaltySettings,
  penalise,
  penaltiesOf,
  recentTokens,
} from '../../src/math/penalties.js';
import { createRng } from '../../src/math/rng.js';
import { logitsNeeded, type Truncation, truncate, truncateAfter } from '../../src/math/truncate.js';
import { ROOT, type TopLogits } from '../../src/types.js';
import { fakeChain, fakeDistribution } from '../support/fake-distribution.js';

const OFF: PenaltySettings = { repeatPenalty: 1, repeatLastN: 64, presencePenalty: 0, frequencyPenalty: 0 };
const NONE: Penalties = { repeat: 1, presence: 0, frequency: 0, last: 64 };

/** The largest `count` logits, as an engine gives them. */
function read(logits: readonly number[], count = 0): TopLogits {
  const order = [...logits.keys()].sort((a, b) => logits[b]! - logits[a]! || a - b);
  const tokens = order.slice(0, count || order.length);
  return { tokens: Int32Array.from(tokens), logits: Float64Array.from(tokens, (token) => logits[token]!) };
}

const penalised = (penalties: Partial<Penalties>, counts: [number, number][]) =>
  Object.fromEntries(
    [2, 1, -1].map((logit) => {
      const { logits } = penalise(read([logit]), new Map(counts), { ...NONE, ...penalties });
      return [logit, logits[0]];
    }),
  );

describe('penaltiesOf', () => {
  it('is nothing where nothing would change', () => {
    expect(penaltiesOf(OFF)).toBeUndefined();
    expect(penaltiesOf({ ...OFF, repeatLastN: 0, repeatPenalty: 2, presencePenalty: 1 })).toBeUndefined();
  });

  it.each([{ repeatPenalty: 2 }, { presencePenalty: 1 }, { frequencyPenalty: 1 }])(
    'is something with %j',
    (one) => {
      expect(penaltiesOf({ ...OFF, ...one })).toBeDefined();
    },
  );

  it('looks back on the whole text for -1', () => {
    const penalties = penaltiesOf({ ...OFF, repeatLastN: -1, frequencyPenalty: 0.5 });
    expect(penalties).toEqual({ repeat: 1, presence: 0, frequency: 0.5, last: Infinity });
  });
});

describe('recentTokens', () => {
  const tree = fakeChain([5, fakeDistribution(1)], [7, fakeDistribution(1)], [5, fakeDistribution(1)]);

  it('counts the tokens of the prefix and of the drafted path to the node, the last so many', () => {
    const counts = (node: number, last: number) =>
      Object.fromEntries(recentTokens([7, 7, 8, 5], tree, node, last));
    expect(counts(ROOT, Infinity)).toEqual({ 5: 1, 7: 2, 8: 1 });
    expect(counts(2, Infinity)).toEqual({ 5: 3, 7: 3, 8: 1 });
    expect(counts(1, 3)).toEqual({ 5: 2, 7: 1 });
    expect(counts(2, 2)).toEqual({ 5: 1, 7: 1 });
    expect(counts(ROOT, 1)).toEqual({ 5: 1 });
  });
});

describe('penalise', () => {
  it("is llama.cpp's formula", () => {
    expect(penalised({ repeat: 2 }, [[0, 3]])).toEqual({ 2: 1, 1: 0.5, '-1': -2 });
    expect(penalised({ presence: 0.5 }, [[0, 3]])).toEqual({ 2: 1.5, 1: 0.5, '-1': -1.5 });
    expect(penalised({ frequency: 0.5 }, [[0, 3]])).toEqual({ 2: 0.5, 1: -0.5, '-1': -2.5 });
    expect(penalised({ repeat: 2, presence: 1, frequency: 1 }, [[0, 1]])).toEqual({
      2: -1,
      1: -1.5,
      '-1': -4,
    });
    expect(penalised({ repeat: 2, presence: 1 }, [[1, 1]])).toEqual({ 2: 2, 1: 1, '-1': -1 });
  });

  it('puts the tokens in order again, equal ones by lower id', () => {
    const top = penalise(read([3, 2, 1, 2]), new Map([[0, 1]]), { ...NONE, presence: 1 });
    expect([...top.tokens]).toEqual([0, 1, 3, 2]);
    expect([...top.logits]).toEqual([2, 2, 2, 1]);
  });

  it('gives what sorting all tokens gives', () => {
    const rng = createRng(5);
    const draw = (n: number) => Math.floor(rng() * n);
    for (let i = 0; i < 3000; i++) {
      const top = read(Array.from({ length: draw(20) }, () => draw(6) - 3));
      const recent = new Map(Array.from({ length: draw(8) }, () => [draw(22), 1 + draw(3)] as const));
      const penalties = {
        repeat: [0.5, 1, 2][draw(3)]!,
        presence: draw(3) - 1,
        frequency: draw(3) - 1,
        last: 64,
      };
      const expected = [...top.tokens].map((token, i) => {
        const row = { tokens: Int32Array.of(token), logits: top.logits.slice(i, i + 1) };
        return { token, logit: penalise(row, recent, penalties).logits[0]! };
      });
      expected.sort((a, b) => b.logit - a.logit || a.token - b.token);
      const { tokens, logits } = penalise(top, recent, penalties);
      expect([...tokens].map((token, i) => ({ token, logit: logits[i]! }))).toEqual(expected);
    }
  });
});

describe('the distribution after penalties', () => {
  it.each<[Partial<Penalties>, number]>([
    [{ repeat: 1.1, presence: 0.1, frequency: 0.1 }, 10 + 64],
    [{}, 10 + 64],
    [{ repeat: 0.9 }, 0],
    [{ presence: -0.1 }, 0],
    [{ frequency: -0.1 }, 0],
    [{ presence: 0.1, last: Infinity }, 0],
  ])('with %j needs %d logits of top-k 10, 0 = all', (penalties, needed) => {
    const truncation = { temperature: 1, topK: 10, topP: 1, penalties: { ...NONE, ...penalties } };
    expect(logitsNeeded(truncation)).toBe(needed);
  });

  it('counts for each node the tokens on its own path', () => {
    const tree = fakeChain([1, fakeDistribution(1)], [2, fakeDistribution(1)]);
    const rows = [read([0, 0, 0]), read([0, 0, 0]), read([0, 0, 0])];
    const after = truncateAfter(rows, [0], tree, [ROOT, 0, 1], {
      temperature: 1,
      topK: 1,
      topP: 1,
      penalties: { ...NONE, presence: 1, frequency: 1e-3 },
    });
    expect(after.map(({ tokens }) => tokens[0])).toEqual([1, 2, 0]);
  });

  it('is that of the model where there are none', () => {
    const truncation = { temperature: 1, topK: 2, topP: 1 };
    expect(truncateAfter([read([3, 1, 2])], [0], [], [ROOT], truncation)).toEqual([
      truncate(read([3, 1, 2]), truncation),
    ]);
  });

  it('leaves the log-sum-exp of the model', () => {
    const row = penalise({ ...read([3, 1]), logSumExp: 7 }, new Map([[0, 1]]), { ...NONE, presence: 1 });
    expect(row.logSumExp).toBe(7);
  });

  it('is the same, read from as many logits as are asked for or from all', () => {
    const rng = createRng(3);
    const draw = (n: number) => Math.floor(rng() * n);
    let partial = 0;
    for (let i = 0; i < 5000; i++) {
      const size = 12 + draw(12);
      const logits = Array.from({ length: size }, () => Math.round(8 * (rng() - 0.5)) / 2 + 1e-6 * rng());
      const text = Array.from({ length: draw(12) }, () => draw(size));
      const truncation: Truncation = {
        temperature: 0.2 + 2 * rng(),
        topK: 1 + draw(6),
        topP: rng() < 0.5 ? 1 : rng() + 1e-3,
        minP: rng() < 0.5 ? 0 : rng(),
        banned: new Set([draw(size)]),
        penalties: {
          repeat: [0.5, 1, 1.5][draw(3)]!,
          presence: 2 * rng() - 0.5,
          frequency: rng() < 0.5 ? 0 : rng(),
          last: [1, 3, 8, Infinity][draw(4)]!,
        },
      };
      const needed = logitsNeeded(truncation);
      if (needed > 0 && needed < size) partial++;
      const [some, all] = [read(logits, needed), read(logits)].map((row) =>
        truncateAfter([row], text, [], [ROOT], truncation),
      );
      expect(some).toEqual(all);
    }
    expect(partial).toBeGreaterThan(500);
  });
});
