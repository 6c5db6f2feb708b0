import { describe, expect, it } from 'vitest';
import { chainDrafter } from '../../src/drafting/chain.js';
import { fixedLength } from '../../src/drafting/length.js';
import { createRng } from '../../src/math/rng.js';
import { sample } from '../../src/math/sample.js';
import { FITS, misfit } from '../support/chi-square.js';
import { fakeCoins } from '../support/fake-coins.js';
import { DRAFT, distributionAfter, END, isEnd, textsAfter, UNCUT } from '../support/fake-model.js';
import { fakeNextTokens } from '../support/fake-next-tokens.js';

const PREFIX = [0, 3, 1];
const CUT = { temperature: 0.8, topK: 4, topP: 0.9 };

function drafter(gamma: number, truncation = UNCUT) {
  const next = fakeNextTokens(DRAFT, truncation);
  return { draft: chainDrafter(next, { length: fixedLength(gamma), isEnd }), next };
}

const tokensOf = (draft: readonly { token: number }[]) => draft.map(({ token }) => token);

describe('chainDrafter', () => {
  it.each([UNCUT, CUT])('writes with the probabilities of the draft model', async (truncation) => {
    const { draft } = drafter(3, truncation);
    const rng = createRng(1);
    const drawn: string[] = [];
    for (let i = 0; i < 8000; i++) drawn.push(tokensOf(await draft(PREFIX, 3, rng)).join(' '));
    expect(misfit(drawn, textsAfter(DRAFT, PREFIX, 3, truncation))).toBeLessThan(FITS);
  });

  it('is a chain, and tells from which distribution each token was drawn', async () => {
    const { draft } = drafter(5, CUT);
    const rng = createRng(2);
    for (let i = 0; i < 50; i++) {
      const chain = await draft(PREFIX, 5, rng);
      for (const [j, { parent, q }] of chain.entries()) {
        expect(parent).toBe(j - 1);
        expect(q).toEqual(distributionAfter(DRAFT, [...PREFIX, ...tokensOf(chain.slice(0, j))], CUT));
      }
    }
  });

  it('draws each token at the quantile of one coin', async () => {
    const { draft } = drafter(2);
    const first = sample(distributionAfter(DRAFT, PREFIX, UNCUT), 0.2);
    const second = sample(distributionAfter(DRAFT, [...PREFIX, first], UNCUT), 0.7);
    expect(tokensOf(await draft(PREFIX, 2, fakeCoins(0.2, 0.7)))).toEqual([first, second]);
  });

  it('guesses gamma tokens, or as many as there is room for', async () => {
    const never = () => false;
    for (const [gamma, room, length] of [
      [3, 9, 3],
      [3, 2, 2],
      [1, 1, 1],
      [4, 4, 4],
    ] as const) {
      const draft = chainDrafter(fakeNextTokens(DRAFT, UNCUT), { length: fixedLength(gamma), isEnd: never });
      expect(await draft(PREFIX, room, createRng(3))).toHaveLength(length);
    }
  });

  it('guesses nothing after the end token', async () => {
    const { draft } = drafter(6);
    const rng = createRng(4);
    let ended = 0;
    for (let i = 0; i < 200; i++) {
      const tokens = tokensOf(await draft(PREFIX, 6, rng));
      expect(tokens.slice(0, -1)).not.toContain(END);
      if (tokens.at(-1) === END) ended++;
      else expect(tokens).toHaveLength(6);
    }
    expect(ended).toBeGreaterThan(20);
  });

  it('asks its model for one branch per token, and for none without room', async () => {
    const { draft, next } = drafter(4);
    const chain = await draft(PREFIX, 4, createRng(5));
    expect(next.asked).toEqual(chain.map(() => 1));
    expect(await drafter(4).draft(PREFIX, 0, fakeCoins())).toEqual([]);
    const idle = drafter(4);
    await idle.draft(PREFIX, 0, fakeCoins());
    expect(idle.next.asked).toEqual([]);
  });
});
