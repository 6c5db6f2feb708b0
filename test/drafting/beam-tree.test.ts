import { describe, expect, it } from 'vitest';
import { beamDrafter, beamTreeDrafter } from '../../src/drafting/beams.js';
import { fixedLength } from '../../src/drafting/length.js';
import { depthsOf, likeliestLeaf, pathsTo } from '../../src/math/draft-tree.js';
import { createRng } from '../../src/math/rng.js';
import type { TokenId } from '../../src/types.js';
import { FITS, misfit } from '../support/chi-square.js';
import { DRAFT, distributionAfter, isEnd, UNCUT } from '../support/fake-model.js';
import { fakeNextTokens, pathTo } from '../support/fake-next-tokens.js';
import { CUT, drafter, drawn, lawOfBeams, leavesOf, PREFIX, together } from './beam-race.js';

describe('beamTreeDrafter', () => {
  it('keeps all the beams that are drawn', async () => {
    const setup = { gamma: 2, beamWidth: 3, truncation: { ...UNCUT, topK: 3 } };
    const name = (beams: readonly { readonly tokens: readonly TokenId[] }[]) =>
      together(beams.map(({ tokens }) => tokens));
    const law = lawOfBeams(2, 3, setup.truncation, { name });
    expect(misfit(await drawn(setup, 8000, beamTreeDrafter), law)).toBeLessThan(FITS);
  });

  it('is a tree of beams and nothing else, what they share once, parents first', async () => {
    const { draft } = drafter({ gamma: 4, beamWidth: 5 }, beamTreeDrafter);
    const rng = createRng(7);
    for (let i = 0; i < 200; i++) {
      const tree = await draft(PREFIX, 3, rng);
      const leaves = leavesOf(tree);
      expect(leaves.length).toBeGreaterThan(0);
      expect(leaves.length).toBeLessThanOrEqual(5);
      for (const leaf of leaves) expect(depthsOf(tree)[leaf] === 3 || isEnd(tree[leaf]!.token)).toBe(true);
      for (const [node, { parent }] of tree.entries()) expect(parent).toBeLessThan(node);
      expect(new Set(tree.map(({ token, parent }) => `${parent} ${token}`)).size).toBe(tree.length);
    }
  });

  it('tells the distribution of the draft model before each token', async () => {
    const { draft } = drafter({ gamma: 3, beamWidth: 4, truncation: CUT }, beamTreeDrafter);
    const tree = await draft(PREFIX, 4, createRng(8));
    for (const { parent, q } of tree)
      expect(q).toEqual(distributionAfter(DRAFT, [...PREFIX, ...pathTo(tree, parent)], CUT));
  });

  it('has as its likeliest leaf the draft that beamDrafter makes of the same coins', async () => {
    for (let seed = 1; seed <= 50; seed++) {
      const tree = await drafter({}, beamTreeDrafter).draft(PREFIX, 3, createRng(seed));
      const chain = await drafter({}).draft(PREFIX, 3, createRng(seed));
      expect(chain).toEqual(pathsTo(tree, [likeliestLeaf(tree)]));
    }
  });

  it('is empty where none of its guesses is worth judging', async () => {
    const length = { ...fixedLength(4), judged: () => 0 };
    const options = { length, beamWidth: () => 3, greedy: true, isEnd };
    expect(await beamTreeDrafter(fakeNextTokens(DRAFT, UNCUT), options)(PREFIX, 9, createRng(1))).toEqual([]);
  });

  it('is the likeliest beam alone where no other is worth its row', async () => {
    const length = { ...fixedLength(4), judgesBeside: () => false };
    const next = fakeNextTokens(DRAFT, UNCUT);
    const options = { length, beamWidth: () => 3, greedy: true, isEnd };
    const tree = await beamTreeDrafter(next, options)(PREFIX, 9, createRng(1));
    expect(tree).toEqual(await beamDrafter(next, options)(PREFIX, 9, createRng(1)));
  });
});
