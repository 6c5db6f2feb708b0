import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type Corpus, LONGEST_ENDING } from '../../src/drafting/corpus.js';
import { corpusTokens } from '../../src/drafting/corpus-tokens.js';
import { certain } from '../../src/math/distribution.js';
import { ROOT } from '../../src/types.js';
import { corpusOf } from '../support/corpus-of.js';

const followingIn = (corpus: Corpus, text: readonly number[]) =>
  corpus.following(
    corpus.search((places) => text[text.length - places]),
    1,
  );

/** What followed the last n tokens of a text, and how often. */
function counted(tokens: readonly number[], ending: readonly number[]): Map<number, number> {
  const counts = new Map<number, number>();
  for (let at = ending.length; at < tokens.length; at++)
    if (ending.every((token, i) => tokens[at - ending.length + i] === token))
      counts.set(tokens[at]!, (counts.get(tokens[at]!) ?? 0) + 1);
  return counts;
}

it('counts what followed the longest ending that it has, and mixes in what followed shorter ones at other places', () => {
  const list = (maxLength: number) =>
    fc.array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength, size: 'max' });
  fc.assert(
    fc.property(list(60), list(20), (tokens, text) => {
      const { tokens: found, logProbs, length } = followingIn(corpusOf(tokens), text);
      const lengths = Array.from({ length: Math.min(LONGEST_ENDING, text.length) }, (_, i) => i + 1);
      const known = lengths.filter((n) => counted(tokens, text.slice(-n)).size > 0);
      expect(length).toBe(known.at(-1) ?? 0);
      let mixed = new Map<number, number>();
      for (const n of known.slice(-4)) {
        const counts = counted(tokens, text.slice(-n));
        if (n < length)
          for (const [token, count] of counted(tokens, text.slice(-n - 1)))
            counts.set(token, counts.get(token)! - count);
        for (const [token, count] of counts) if (count === 0) counts.delete(token);
        if (counts.size === 0) continue;
        const places = [...counts.values()].reduce((a, b) => a + b);
        const share = (token: number) =>
          ((counts.get(token) ?? 0) + counts.size * (mixed.get(token) ?? 0)) / (places + counts.size);
        mixed = new Map([...counts.keys(), ...mixed.keys()].map((token) => [token, share(token)]));
      }
      expect([...found].sort()).toEqual([...mixed.keys()].sort());
      for (const [i, token] of found.entries())
        expect(Math.exp(logProbs[i]!)).toBeCloseTo(mixed.get(token)!, 10);
      expect([...logProbs]).toEqual([...logProbs].sort((a, b) => b - a));
      const sum = logProbs.reduce((all, logProb) => all + Math.exp(logProb), 0);
      expect(sum).toBeLessThan(1); // what was never seen there has the rest
    }),
  );
});

it('gives as many tokens as a place allows, as a distribution after the target’s cut', async () => {
  const corpus = corpusOf([1, 2, 3, 1, 2, 3, 1, 2, 4, 1, 2, 5, 1, 2, 3]);
  const uncut = { temperature: 1, topK: 0, topP: 1 };
  const next = corpusTokens(corpus, uncut);
  const [root] = await next([7, 1, 2], [], [ROOT]);
  expect([...root!.tokens]).toEqual([3, 4, 5]);
  expect(root!.logProbs.reduce((sum, one) => sum + Math.exp(one), 0)).toBeCloseTo(1);
  const tree = [
    { token: 1, parent: ROOT, q: certain(1) },
    { token: 2, parent: 0, q: certain(2) },
  ];
  const [first, second] = await next([7, 3], tree, [1, ROOT]); // behind [7, 3, 1, 2] and [7, 3]
  expect([...first!.tokens].sort()).toEqual([3, 4, 5]);
  expect([...second!.tokens]).toEqual([]); // one token in common says nothing
  const [cut] = await corpusTokens(corpus, { ...uncut, topK: 1, banned: new Set([3]) })([1, 2], [], [ROOT]);
  expect([...cut!.tokens]).toEqual([4]);
  const constraint = { masks: () => [{ allows: (token: number) => token === 5 }] };
  const [masked] = await corpusTokens(corpus, { ...uncut, constraint })([1, 2], [], [ROOT]);
  expect([...masked!.tokens]).toEqual([5]);
  expect([...masked!.logProbs]).toEqual([0]);
});

it('looks at a bounded number of places, however often an ending occurs', () => {
  const tokens = Array.from({ length: 300_000 }, (_, i) => (i % 3 === 2 ? 2 + ((i * 7919) % 5) : i % 3));
  let looks = 0;
  const corpus = corpusOf(tokens);
  const counting = new Proxy(corpus.tokens, {
    get: (all, name) => {
      looks += 1;
      return Reflect.get(all, name);
    },
  });
  Object.assign(corpus, { tokens: counting });
  const { length } = followingIn(corpus, [0, 1]);
  expect(length).toBe(2);
  expect(looks).toBeLessThan(600);
});
