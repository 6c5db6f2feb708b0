import { describe, expect, it } from 'vitest';
import { type BeamOptions, beamDrafter } from '../../src/drafting/beams.js';
import { logProbOf } from '../../src/sampling/distribution.js';
import { createRng } from '../../src/sampling/rng.js';
import type { Truncation } from '../../src/sampling/truncate.js';
import type { Draft, TokenId } from '../../src/types.js';
import { DOES_NOT_FIT, FITS, misfit } from '../sampling/chi-square.js';
import { fakeCoins } from '../support/fake-coins.js';
import {
  DRAFT,
  distributionAfter,
  END,
  type FakeModel,
  isEnd,
  textsAfter,
  UNCUT,
} from '../support/fake-model.js';
import { fakeNextTokens } from '../support/fake-next-tokens.js';

const PREFIX = [0, 3, 1];
const CUT: Truncation = { temperature: 0.8, topK: 4, topP: 0.9 };

interface Setup extends Partial<BeamOptions> {
  readonly model?: FakeModel;
  readonly truncation?: Truncation;
}

function drafter({ model = DRAFT, truncation = UNCUT, ...options }: Setup) {
  const next = fakeNextTokens(model, truncation);
  return { draft: beamDrafter(next, { gamma: 3, beamWidth: 3, greedy: false, isEnd, ...options }), next };
}

const tokensOf = (draft: Draft) => draft.map(({ token }) => token);
const logQOf = (draft: Draft) => draft.reduce((sum, { token, q }) => sum + logProbOf(q, token), 0);

async function drawn(setup: Setup, count: number): Promise<string[]> {
  const { draft } = drafter(setup);
  const rng = createRng(1);
  const texts: string[] = [];
  for (let i = 0; i < count; i++) texts.push(tokensOf(await draft(PREFIX, 9, rng)).join(' '));
  return texts;
}

/** A text in the race, and its probability. */
interface Runner {
  readonly tokens: readonly TokenId[];
  readonly q: number;
}

/** The probability of each draft when beams are drawn one after the other, each from what is left of the table. */
function lawOfBeams(depth: number, width: number, truncation: Truncation): Map<string, number> {
  const law = new Map<string, number>();
  const isComplete = ({ tokens }: Runner) => tokens.length > 0 && isEnd(tokens.at(-1)!);
  const tableOf = (beams: readonly Runner[]) =>
    beams.flatMap((beam) => {
      if (isComplete(beam)) return [beam];
      const { tokens, logProbs } = distributionAfter(DRAFT, [...PREFIX, ...beam.tokens], truncation);
      return Array.from(tokens, (token, i) => ({
        tokens: [...beam.tokens, token],
        q: beam.q * Math.exp(logProbs[i]!),
      }));
    });
  const race = (beams: readonly Runner[], left: number, probability: number): void => {
    if (left === 0) {
      const best = beams.reduce((a, b) => (b.q > a.q ? b : a)).tokens.join(' ');
      law.set(best, (law.get(best) ?? 0) + probability);
    } else draw(tableOf(beams), [], left - 1, probability);
  };
  const draw = (
    table: readonly Runner[],
    beams: readonly Runner[],
    left: number,
    probability: number,
  ): void => {
    const total = table.reduce((sum, { q }) => sum + q, 0);
    for (const cell of table) {
      const others = table.filter((other) => other !== cell);
      const chosen = [...beams, cell];
      const sofar = (probability * cell.q) / total;
      if (chosen.length === width || others.length === 0) race(chosen, left, sofar);
      else draw(others, chosen, left, sofar);
    }
  };
  race([{ tokens: [], q: 1 }], depth, 1);
  return law;
}

describe('beamDrafter', () => {
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
