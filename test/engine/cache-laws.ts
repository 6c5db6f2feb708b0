import { expect, it } from 'vitest';
import { ModelCache } from '../../src/decoding/model-cache.js';
import type { Model } from '../../src/engine/port.js';
import { pathTo } from '../../src/math/draft-tree.js';
import { createRng } from '../../src/math/rng.js';
import {
  type Distribution,
  type DraftNode,
  type NodeIndex,
  type Rng,
  ROOT,
  type TokenId,
} from '../../src/types.js';
import { tries } from '../support/tries.js';
import { ALL, chain, decode, difference, forget, TOLERANCE, withContext } from './rows.js';

const SEQUENCES = 4;
const UNUSED: Distribution = { tokens: Int32Array.of(0), logProbs: Float64Array.of(0) };

/**
 * A model's cache over a real context: no history of questions shows in its answers.
 * @param longest tokens of the longest prefix
 * @param seen is told of the difference of every row
 */
export function cacheLaws(
  model: () => Model,
  { longest = 40, trees = tries(8, 40), seen = (_difference: number) => {} } = {},
): void {
  it(`answers for ${trees} random trees what a fresh evaluation of each path answers`, async () => {
    const rng = createRng(20240716);
    const capacity = longest + 24; // a branch may grow from the tip of another: SEQUENCES times four tokens
    const text = model()
      .tokenizer.encode('Once upon a time, there was a little girl named Lily. She had a dog.'.repeat(8))
      .slice(0, longest);
    await withContext(model(), { capacity, sequences: SEQUENCES }, async (context) => {
      const cache = new ModelCache(context);
      await withContext(model(), { capacity, sequences: 1 }, async (fresh) => {
        let prefix = text.slice(0, 4);
        for (let n = 0; n < trees; n++) {
          const tree = randomTree(rng);
          const wanted = [ROOT, ...tree.keys()].filter(() => rng() < 0.6);
          const rows = await cache.evaluate(prefix, tree, wanted, ALL);
          for (const [i, node] of wanted.entries()) {
            const path = [...prefix, ...tokensTo(tree, node)];
            const batch = chain(path).map((item) => ({ ...item, wanted: item.position === path.length - 1 }));
            const expected = await decode(fresh, batch, ALL);
            await forget(fresh, 0, 0);
            const differs = difference([rows[i]!], expected);
            seen(differs);
            expect(differs).toBeLessThan(TOLERANCE);
          }
          prefix = nextPrefix(rng, prefix, tree, text);
          if (rng() < 0.5) cache.rollback(prefix);
        }
      });
    });
  });
}

/** Up to four branches of up to four tokens, each from the root or from a node of an earlier branch. */
export function randomTree(rng: Rng): DraftNode[] {
  const tree: DraftNode[] = [];
  for (let branch = 0; branch < SEQUENCES; branch++) {
    let parent = below(rng, tree.length + 1) - 1;
    for (let depth = below(rng, 5); depth > 0; depth--)
      parent = tree.push({ token: randomToken(rng), parent, q: UNUSED }) - 1;
  }
  return tree;
}

/** Mostly the prefix with a path of the tree and one more token; now and then, or when it is as long, another text. */
function nextPrefix(rng: Rng, prefix: TokenId[], tree: readonly DraftNode[], text: TokenId[]): TokenId[] {
  const longer = [...prefix, ...tokensTo(tree, below(rng, tree.length + 1) - 1), randomToken(rng)];
  return rng() < 0.2 || longer.length > text.length ? text.slice(0, 1 + below(rng, text.length)) : longer;
}

const tokensTo = (tree: readonly DraftNode[], node: NodeIndex): TokenId[] =>
  pathTo(tree, node).map((n) => tree[n]!.token);
const below = (rng: Rng, limit: number) => Math.floor(rng() * limit);
const randomToken = (rng: Rng) => 259 + below(rng, 384 - 259); // pieces of text in every model that is tested
