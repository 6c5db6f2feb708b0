import { describe, expect, it } from 'vitest';
import { beamDrafter } from '../../src/drafting/beams.js';
import { chainDrafter } from '../../src/drafting/chain.js';
import type { NextTokens } from '../../src/drafting/drafter.js';
import { fixedLength } from '../../src/drafting/length.js';
import { logProbOf } from '../../src/math/distribution.js';
import { createRng } from '../../src/math/rng.js';
import { type Draft, ROOT } from '../../src/types.js';
import { DOES_NOT_FIT, FITS, misfit } from '../support/chi-square.js';
import { fakeCoins } from '../support/fake-coins.js';
import { DRAFT, distributionAfter, END, type FakeModel, textsAfter, UNCUT } from '../support/fake-model.js';
import { CUT, drafter, drawn, lawOfBeams, PREFIX } from './beam-race.js';

const tokensOf = (draft: Draft) => draft.map(({ token }) => token);
const logQOf = (draft: Draft) => draft.reduce((sum, { token, q }) => sum + logProbOf(q, token), 0);

describe('beamDrafter', () => {
  it('keeps what it has guessed where all beams come to a dead end, as a chain does', async () => {
    const allowed = distributionAfter(DRAFT, [0, 3], { ...UNCUT, topK: 2 });
    const nothing = { tokens: new Int32Array(), logProbs: new Float64Array() };
    const next: NextTokens = async (_, tree, nodes) =>
      nodes.map((node) => (node === ROOT || tree[node]!.parent === ROOT ? allowed : nothing));
    for (const beamWidth of [1, 2]) {
      const options = {
        length: fixedLength(4),
        beamWidth: () => beamWidth,
        greedy: true,
        isEnd: () => false,
      };
      expect(await beamDrafter(next, options)([0, 3], 9, fakeCoins())).toHaveLength(2);
    }
    const chain = chainDrafter(next, { length: fixedLength(4), isEnd: () => false });
    expect(await chain([0, 3], 9, createRng(1))).toHaveLength(2);
  });

  it('with a width of 1 writes with the probabilities of the draft model', async () => {
    const texts = await drawn({ beamWidth: 1 }, 8000);
    expect(misfit(texts, textsAfter(DRAFT, PREFIX, 3, UNCUT))).toBeLessThan(FITS);
  });

  it.each([
    { gamma: 1, beamWidth: 3, truncation: UNCUT },
    { gamma: 2, beamWidth: 2, truncation: UNCUT },
    { gamma: 3, beamWidth: 2, truncation: CUT },
    { gamma: 2, beamWidth: 3, truncation: { ...UNCUT, topK: 4 } },
  ])(
    'draws beams without replacement from the table and keeps the likeliest: $gamma deep, $beamWidth wide',
    async (setup) => {
      const law = lawOfBeams(setup.gamma, setup.beamWidth, setup.truncation);
      expect(misfit(await drawn(setup, 8000), law)).toBeLessThan(FITS);
    },
  );

  it('would be found out if it kept another number of beams', async () => {
    const law = lawOfBeams(2, 2, UNCUT);
    expect(misfit(await drawn({ gamma: 2, beamWidth: 3 }, 8000), law)).toBeGreaterThan(DOES_NOT_FIT);
  });

  it.each([UNCUT, CUT])(
    'without noise and wide enough finds the likeliest of all texts',
    async (truncation) => {
      for (const gamma of [1, 2, 3]) {
        const { draft } = drafter({ gamma, beamWidth: 36, greedy: true, truncation });
        for (let before = 0; before < END; before++)
          for (let last = 0; last < END; last++) {
            const found = logQOf(await draft([before, last], gamma, fakeCoins()));
            const texts = textsAfter(DRAFT, [before, last], gamma, truncation);
            expect(found).toBeCloseTo(Math.log(Math.max(...texts.values())), 9);
          }
      }
    },
  );

  it('without noise and with a width of 1 takes the most likely token each time', async () => {
    const draft = tokensOf(await drafter({ beamWidth: 1, greedy: true }).draft(PREFIX, 3, fakeCoins()));
    draft.forEach((token, i) => {
      expect(token).toBe(distributionAfter(DRAFT, [...PREFIX, ...draft.slice(0, i)], UNCUT).tokens[0]);
    });
  });

  it('keeps a complete beam in the race, and takes it where it is likelier than all longer ones', async () => {
    const ends: FakeModel = () => Float64Array.of(0, 0.5, 0, 0, 0, 1); // the end token is always likeliest
    const setup = { model: ends, gamma: 4, beamWidth: 2, greedy: true };
    expect(tokensOf(await drafter(setup).draft(PREFIX, 4, fakeCoins()))).toEqual([END]);
  });

  it('leaves a complete beam behind where a longer one is likelier', async () => {
    // The end token comes second at first; then nothing but token 1 is likely.
    const goesOn: FakeModel = (last) =>
      last === 1 ? Float64Array.of(0, 30, 0, 0, 0, 0) : Float64Array.of(0, 6, 0, 0, 0, 5);
    const setup = { model: goesOn, gamma: 3, beamWidth: 2, greedy: true };
    expect(tokensOf(await drafter(setup).draft([0, 0], 4, fakeCoins()))).toEqual([1, 1, 1]);
  });

  it('guesses nothing after the end token', async () => {
    const { draft } = drafter({ gamma: 5 });
    const rng = createRng(2);
    let ended = 0;
    for (let i = 0; i < 200; i++) {
      const tokens = tokensOf(await draft(PREFIX, 5, rng));
      expect(tokens.slice(0, -1)).not.toContain(END);
      if (tokens.at(-1) === END) ended++;
      else expect(tokens).toHaveLength(5);
    }
    expect(ended).toBeGreaterThan(20);
  });

  it('is a chain, and tells the distribution of the draft model before each token', async () => {
    const { draft } = drafter({ gamma: 4, beamWidth: 4, truncation: CUT });
    const rng = createRng(3);
    for (let i = 0; i < 50; i++) {
      const chain = await draft(PREFIX, 4, rng);
      for (const [j, { parent, q }] of chain.entries()) {
        expect(parent).toBe(j - 1);
        expect(q).toEqual(distributionAfter(DRAFT, [...PREFIX, ...tokensOf(chain.slice(0, j))], CUT));
      }
    }
  });

  it('guesses no more than gamma tokens, nor more than there is room for', async () => {
    for (const [gamma, room, length] of [
      [3, 9, 3],
      [3, 2, 2],
      [4, 1, 1],
    ] as const) {
      const { draft } = drafter({ gamma, isEnd: () => false });
      expect(await draft(PREFIX, room, createRng(4))).toHaveLength(length);
    }
  });

  it('never asks for more branches at once than it keeps beams', async () => {
    for (const beamWidth of [1, 2, 5, 50]) {
      const { draft, next } = drafter({ gamma: 4, beamWidth });
      const rng = createRng(beamWidth);
      for (let i = 0; i < 20; i++) await draft(PREFIX, 4, rng);
      expect(Math.max(...next.asked)).toBeLessThanOrEqual(beamWidth);
      expect(Math.min(...next.asked)).toBeGreaterThan(0);
    }
  });

  it('asks its model once per depth, and never without room', async () => {
    const never = () => false;
    const { draft, next } = drafter({ gamma: 4, isEnd: never });
    await draft(PREFIX, 3, createRng(5));
    expect(next.asked).toHaveLength(3);
    expect(await draft(PREFIX, 0, fakeCoins())).toEqual([]);
    expect(next.asked).toHaveLength(3);
  });

  it('draws the same draft from the same coins', async () => {
    const { draft } = drafter({ gamma: 4, beamWidth: 4 });
    expect(await draft(PREFIX, 4, createRng(6))).toEqual(await draft(PREFIX, 4, createRng(6)));
  });
});
