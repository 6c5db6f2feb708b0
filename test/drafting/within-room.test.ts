import { describe, expect, it } from 'vitest';
import { createStrategy } from '../../src/strategies/index.js';
import type { Draft } from '../../src/types.js';
import { fakeCoins } from '../support/fake-coins.js';
import { fakeDistribution } from '../support/fake-distribution.js';
import { UNCUT } from '../support/fake-model.js';
import { fakePair } from '../support/fake-pair.js';

const q = fakeDistribution(1, 1);
const chain = (depth: number) => Array.from({ length: depth }, (_, i) => ({ token: 0, parent: i - 1, q }));
const tree = (depth: number) => [...chain(depth), { token: 1, parent: -1, q }];

/** A draft by a user's own strategy, of draft length 3 and where the context has room for so many tokens. */
const drafted = (draft: Draft, room: number) => {
  const own = {
    ...{ name: 'deep', help: '', heeds: [], isLossless: false, drafts: 'tree' as const, mayRefuse: true },
    sequences: () => ({ target: 2, draft: 0 }),
    create: () => ({
      truncation: { temperature: 1, topK: 0, topP: 1 },
      draft: async () => draft,
      accept: () => ({ accepted: [], next: 0 }),
    }),
  };
  const settings = { draftLength: 3, beamWidth: 2, threshold: 0.5, clip: false, draftFrom: 'model' as const };
  const context = { sampling: UNCUT, isEnd: () => false, target: fakePair().cache.target };
  return createStrategy({ strategy: own, ...settings }, context).draft([0], room, fakeCoins());
};

describe('a draft that is deeper than there is room for', () => {
  it.each([
    { what: 'a tree deeper than the draft length', draft: tree(4), room: 9, limit: 3 },
    { what: 'a tree deeper than the context has room for', draft: tree(3), room: 2, limit: 2 },
    { what: 'a chain longer than the context has room for', draft: chain(8), room: 7, limit: 7 },
  ])('is refused with what it should have been: $what', async ({ draft, room, limit }) => {
    await expect(drafted(draft, room)).rejects.toThrow(
      new RegExp(
        `^The strategy deep drafted \\d tokens in a row, and there is room for ${limit}: draft no more`,
      ),
    );
  });

  it.each([
    { what: 'a tree of the draft length', draft: tree(3), room: 3 },
    { what: 'a chain that is longer and has room', draft: chain(8), room: 9 },
    { what: 'nothing', draft: [], room: 0 },
  ])('is let through otherwise: $what', async ({ draft, room }) => {
    expect(await drafted(draft, room)).toBe(draft);
  });
});
