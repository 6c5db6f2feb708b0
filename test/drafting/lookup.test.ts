import { describe, expect, it } from 'vitest';
import { fixedLength } from '../../src/drafting/length.js';
import { lookupDrafter, lookupTokens } from '../../src/drafting/lookup.js';
import { Passages } from '../../src/drafting/passages.js';
import { certain, logProbOf } from '../../src/math/distribution.js';
import { createRng } from '../../src/math/rng.js';
import { type Prefix, ROOT } from '../../src/types.js';
import { fakeCoins } from '../support/fake-coins.js';
import { END, isEnd } from '../support/fake-model.js';

const draft = (prefix: Prefix, { gamma = 4, room = 9 } = {}) =>
  lookupDrafter({ length: fixedLength(gamma), isEnd })(prefix, room, fakeCoins());
const guess = async (...given: Parameters<typeof draft>) => (await draft(...given)).map(({ token }) => token);

/** The obvious way. */
function searched(prefix: Prefix): Prefix {
  for (let n = 3; n > 0; n--)
    for (let start = prefix.length - n - 1; start >= 0; start--)
      if (`${prefix.slice(start, start + n)}` === `${prefix.slice(-n)}`) return prefix.slice(start + n);
  return [];
}

describe('lookupDrafter', () => {
  it('guesses what followed the last three tokens before', async () => {
    expect(await guess([1, 2, 3, 4, 0, 4, 4, 1, 2, 3], { gamma: 3 })).toEqual([4, 0, 4]);
  });

  it('prefers a long match to a recent one, and settles for two tokens or one', async () => {
    expect(await guess([1, 2, 3, 4, 0, 2, 3, 0, 1, 2, 3], { gamma: 1 })).toEqual([4]);
    expect(await guess([2, 3, 4, 0, 3, 0, 1, 2, 3], { gamma: 1 })).toEqual([4]);
    expect(await guess([3, 4, 0, 1, 2, 3], { gamma: 1 })).toEqual([4]);
  });

  it('goes on behind guesses of another source, as if they were of the text', async () => {
    const next = lookupTokens();
    const guessed = [3, 4].map((token, i) => ({ token, parent: i - 1, q: certain(token) }));
    const found = await next([1, 2, 3, 4, 0, 5, 2, 6, 1, 2], guessed, [0, 1, ROOT]);
    expect(found.map(({ tokens }) => [...tokens])).toEqual([[4], [0], [3]]);
    const other = [{ token: 7, parent: ROOT, q: certain(7) }];
    expect((await next([1, 2, 3, 1, 2], other, [0]))[0]!.tokens).toHaveLength(0);
  });

  it('guesses from a text that grows, or is another, what a search through all of it finds', async () => {
    const rng = createRng(3);
    const drafter = lookupDrafter({ length: fixedLength(4), isEnd: () => false });
    for (let text = 0; text < 20; text++) {
      const prefix = [0];
      while (prefix.length < 60) {
        prefix.push(...Array.from({ length: 1 + Math.floor(3 * rng()) }, () => Math.floor(4 * rng())));
        const found = (await drafter(prefix, 9, fakeCoins())).map(({ token }) => token);
        expect(found).toEqual(searched(prefix).slice(0, 4));
      }
    }
  });

  it('guesses from a text that begins as the one before and goes on otherwise what a search through all of it finds', async () => {
    const rng = createRng(4);
    const some = (n: number) => Array.from({ length: n }, () => Math.floor(4 * rng()));
    const passages = new Passages();
    let text = some(40);
    for (let question = 0; question < 300; question++) {
      text = [...text.slice(0, Math.floor((text.length + 1) * rng())), ...some(1 + Math.floor(12 * rng()))];
      const drafter = lookupDrafter({ length: fixedLength(4), isEnd: () => false }, passages);
      for (let step = 0; step < 3; step++) {
        const found = (await drafter(text, 9, fakeCoins())).map(({ token }) => token);
        expect(found).toEqual(searched(text).slice(0, 4));
        text.push(...some(1));
      }
    }
  });

  it('reads of a text that begins as the one before only once what both have in common', async () => {
    const rng = createRng(5);
    const text = Array.from({ length: 10_000 }, () => Math.floor(50 * rng()));
    const passages = new Passages();
    const drafter = () => lookupDrafter({ length: fixedLength(4), isEnd: () => false }, passages);
    await drafter()(text, 9, fakeCoins());
    const news = 20;
    const next = counted([...text.slice(0, -5), ...text.slice(0, news)]); // as where the reasoning of an answer is left out
    await drafter()(next.prefix, 9, fakeCoins());
    expect(next.reads()).toBeLessThanOrEqual(text.length + 4 * news);
    const before = next.reads();
    next.prefix.push(1, 2);
    await drafter()(next.prefix, 9, fakeCoins());
    expect(next.reads() - before).toBeLessThanOrEqual(20); // two tokens more, three looked for, four guessed
  });

  it('is not misled by a text that became shorter in place', async () => {
    const passages = new Passages();
    const drafter = lookupDrafter({ length: fixedLength(1), isEnd }, passages);
    const text = [1, 2, 3, 1, 2, 3, 4, 1, 2];
    await drafter(text, 9, fakeCoins());
    text.splice(1, 8, 0, 2);
    expect(await drafter(text, 9, fakeCoins())).toEqual([]);
  });

  it('takes the last of several matches', async () => {
    expect(await guess([1, 2, 3, 0, 1, 2, 3, 4, 1, 2, 3], { gamma: 1 })).toEqual([4]);
  });

  it('finds a match that overlaps the end of the text', async () => {
    expect(await guess([0, 1, 1, 1, 1])).toEqual([1]);
    expect(await guess([0, 1, 2, 1, 2, 1, 2])).toEqual([1, 2]);
  });

  it('guesses nothing where nothing is repeated, nor from a single token', async () => {
    expect(await guess([0, 1, 2, 3])).toEqual([]);
    expect(await guess([0])).toEqual([]);
  });

  it('guesses no more than gamma tokens, nor more than there is room for', async () => {
    const text = [1, 2, 3, 0, 0, 0, 0, 0, 1, 2, 3];
    for (const [gamma, room, length] of [
      [4, 9, 4],
      [4, 2, 2],
      [1, 9, 1],
      [4, 0, 0],
      [64, 64, 8], // what there is
    ] as const)
      expect(await guess(text, { gamma, room })).toHaveLength(length);
  });

  it('guesses nothing after the end token', async () => {
    expect(await guess([1, 2, 3, 0, END, 4, 1, 2, 3])).toEqual([0, END]);
  });

  it('is a chain, and certain of each token', async () => {
    const chain = await draft([1, 2, 3, 4, 0, 1, 2, 3]);
    for (const [i, { token, parent, q }] of chain.entries()) {
      expect(parent).toBe(i - 1);
      expect([...q.tokens]).toEqual([token]);
      expect(logProbOf(q, token)).toBe(0);
    }
  });

  it('agrees with a search by hand on random texts', async () => {
    const rng = createRng(1);
    for (let i = 0; i < 500; i++) {
      const text = Array.from({ length: 1 + Math.floor(30 * rng()) }, () => Math.floor(4 * rng()));
      expect(await guess(text, { gamma: 64, room: 64 })).toEqual(byHand(text));
    }
  });
});

/** A text that counts how often a token of it is read. */
function counted(text: number[]) {
  let reads = 0;
  const prefix = new Proxy(text, {
    get(target, key, receiver) {
      if (typeof key === 'string' && /^\d+$/.test(key)) reads++;
      return Reflect.get(target, key, receiver);
    },
  });
  return { prefix, reads: () => reads };
}

/** The same in strings: what stands after the last place, but the end, where the end of the text stands. */
function byHand(text: Prefix): number[] {
  const all = text.join('');
  for (const n of [3, 2, 1]) {
    const at = all.length > n ? all.lastIndexOf(all.slice(-n), all.length - n - 1) : -1;
    if (at >= 0) return [...all.slice(at + n)].map(Number);
  }
  return [];
}
