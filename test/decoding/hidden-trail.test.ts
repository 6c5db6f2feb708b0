import { describe, expect, it } from 'vitest';
import { HeadFeed } from '../../src/decoding/head-feed.js';
import { HiddenTrail } from '../../src/decoding/hidden-trail.js';
import type { BatchToken } from '../../src/engine/passes.js';
import { ROOT } from '../../src/types.js';
import { fakeChain, fakeDistribution } from '../support/fake-distribution.js';

const item = (token: number, position: number, sequences = [0]): BatchToken => ({
  token,
  position,
  sequences,
  wanted: true,
});
const state = (value: number) => Float32Array.of(value);

describe('the trail of hidden states', () => {
  it('has those of committed text at once, and those of guesses when they have become text', () => {
    const trail = new HiddenTrail();
    trail.heard([item(5, 0), item(6, 1), item(7, 2), item(8, 3)], [0, 1, 2, 3].map(state), 2);
    expect([0, 1, 2].map((position) => trail.at(position)?.[0])).toEqual([0, 1, undefined]);
    trail.grown([5, 6, 7, 9], 2);
    expect([2, 3].map((position) => trail.at(position)?.[0])).toEqual([2, undefined]);
    expect(trail.firstLacking(0, 4)).toBe(3);
  });

  it('follows the path of a tree that has become text, not another one with the same token', () => {
    const trail = new HiddenTrail();
    const tree = [item(5, 0, [0, 1]), item(7, 1, [0]), item(8, 1, [1]), item(9, 2, [0]), item(9, 2, [1])];
    trail.heard(tree, [0, 1, 2, 3, 4].map(state), 1);
    trail.grown([5, 8, 9, 1], 1);
    expect([1, 2].map((position) => trail.at(position)?.[0])).toEqual([2, 4]);
  });

  it('follows the text by whichever of two guesses that are alike', () => {
    const trail = new HiddenTrail();
    const tree = [item(5, 0, [0, 1]), item(7, 1, [0]), item(7, 1, [1]), item(8, 2, [0]), item(9, 2, [1])];
    trail.heard(tree, [0, 1, 1, 2, 3].map(state), 1);
    trail.grown([5, 7, 9, 1], 1);
    expect([1, 2].map((position) => trail.at(position)?.[0])).toEqual([1, 3]);
  });

  it('forgets what another text makes wrong, and what an engine does not tell', () => {
    const trail = new HiddenTrail();
    const text = [item(5, 0), item(6, 1), item(7, 2)];
    trail.heard(text, [0, 1, 2].map(state), 3);
    trail.cut(1);
    expect(trail.firstLacking(0, 3)).toBe(1);
    trail.heard(text, undefined, 3);
    expect(trail.firstLacking(0, 3)).toBe(0);
  });

  it('drops what the head has read, but for a bookmark, and the oldest of very many', () => {
    const trail = new HiddenTrail();
    const text = Array.from({ length: 2000 }, (_, position) => item(5, position));
    trail.bookmark(3);
    trail.heard(
      text.slice(0, 10),
      text.slice(0, 10).map((_, i) => state(i)),
      10,
    );
    trail.dropBefore(8);
    expect([3, 7, 8].map((position) => trail.at(position)?.[0])).toEqual([3, undefined, 8]);
    trail.heard(
      text,
      text.map((_, i) => state(i)),
      2000,
    );
    expect(trail.firstLacking(1000, 2000)).toBeUndefined();
    expect([3, 4].map((position) => trail.at(position)?.[0])).toEqual([3, undefined]);
  });
});

describe('what a head is fed', () => {
  it("is the target's state along the text, its own along a guess, and none where none is known", () => {
    const trail = new HiddenTrail();
    trail.heard([item(5, 0), item(6, 1)], [10, 11].map(state), 3);
    const feed = new HeadFeed(trail);
    const fed = (...asked: Parameters<HeadFeed['fed']>) =>
      feed.fed(...asked).map(({ hidden }) => hidden?.[0]);
    expect(fed([item(5, 0), item(6, 1), item(7, 2)], [-3, -2, ROOT], [])).toEqual([undefined, 10, 11]);
    feed.heard([ROOT], [state(20)]);
    const q = fakeDistribution(1);
    expect(fed([item(8, 3)], [0], fakeChain([8, q]))).toEqual([20]);
    feed.heard([0], [state(21)]);
    expect(fed([item(9, 4)], [1], fakeChain([8, q], [9, q]))).toEqual([21]);
    feed.heard([ROOT], [state(30)]); // the next draft
    expect(fed([item(9, 4)], [1], fakeChain([8, q], [9, q]))).toEqual([undefined]);
  });
});
