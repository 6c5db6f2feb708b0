import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CacheManager } from '../../src/decoding/cache-manager.js';
import { openCache } from '../../src/decoding/open-cache.js';
import { createDirectEngine } from '../../src/engine/direct/engine.js';
import type { Engine, Model } from '../../src/engine/port.js';
import { pathTo } from '../../src/math/draft-tree.js';
import { createRng } from '../../src/math/rng.js';
import {
  type DraftNode,
  type NodeIndex,
  type Rng,
  ROOT,
  type TokenId,
  type TopLogits,
} from '../../src/types.js';
import { ALL, difference, TOLERANCE } from '../engine/rows.js';
import { attentionWithChain, attentionWithHead } from '../support/head-models.js';
import { HYBRID } from '../support/hybrid.js';
import { tries } from '../support/tries.js';

const LONGEST = 60; // tokens of a text
const GUESSES = 4;
const UNUSED = { tokens: Int32Array.of(0), logProbs: Float64Array.of(0) };

const below = (rng: Rng, limit: number) => Math.floor(rng() * limit);
const randomTokens = (rng: Rng, count: number): TokenId[] =>
  Array.from({ length: count }, () => 259 + below(rng, 120));

/** As many beams as the target can judge at once, with tokens of chance, layer by layer. */
function randomTree(rng: Rng, beams: number): DraftNode[] {
  const tree: DraftNode[] = [];
  let layer: NodeIndex[] = [ROOT];
  for (let depth = 1 + below(rng, GUESSES); depth > 0; depth--)
    layer = randomTokens(rng, beams).map((token, i) => {
      const parent = layer[i % layer.length]!;
      return tree.push({ token, parent, q: UNUSED }) - 1;
    });
  return tree;
}

/** What the head says after the text and after each guess, asked for as a drafter asks. */
async function rowsOfHead(cache: CacheManager, prefix: TokenId[], tree: DraftNode[]): Promise<TopLogits[]> {
  const rows: TopLogits[] = [];
  for (let layer: NodeIndex[] = [ROOT]; layer.length > 0; ) {
    for (const [i, row] of (await cache.draft!.evaluate(prefix, tree, layer, ALL)).entries())
      rows[layer[i]! + 1] = row;
    const before = new Set(layer);
    layer = [...tree.keys()].filter((node) => before.has(tree[node]!.parent));
  }
  return rows;
}

describe.each([
  { what: 'a hybrid target, which judges chains', write: async () => HYBRID, beams: 1 },
  { what: 'a target with plain attention, which judges trees', write: attentionWithHead, beams: 3 },
  { what: 'a target with a chain of heads', write: attentionWithChain, beams: 3 },
])('the head of $what', ({ write, beams }) => {
  let dir: string;
  let engine: Engine;
  let target: Model;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'mtad-head-'));
    engine = await createDirectEngine({ gpu: 'off' });
    target = await engine.loadModel(await write(dir), { withHead: true });
  });
  afterAll(async () => {
    await engine.dispose();
    await rm(dir, { recursive: true, force: true });
  });

  const open = () =>
    openCache(
      { target, draft: undefined },
      {
        capacity: LONGEST,
        targetSequences: beams,
        draftSequences: beams,
        draftLength: GUESSES,
        usesHead: true,
        threads: 1,
      },
    );

  it('says after each judged draft what it says of the same text in new caches', async () => {
    const rng = createRng(14);
    const cache = await open();
    let prefix = randomTokens(rng, 6);
    for await (const _ of cache.prefill(prefix));
    for (let n = 0; n < tries(20, 1000); n++) {
      const tree = randomTree(rng, beams);
      const rows = await rowsOfHead(cache, prefix, tree);
      const fresh = await open();
      for await (const _ of fresh.prefill(prefix));
      expect(difference(rows, await rowsOfHead(fresh, prefix, tree))).toBeLessThan(TOLERANCE);
      await fresh.dispose();

      await cache.target.evaluate(prefix, tree, [ROOT, ...tree.keys()], ALL);
      const kept = pathTo(tree, below(rng, tree.length + 1) - 1).map((node) => tree[node]!.token);
      if (prefix.length + kept.length + GUESSES + 2 < LONGEST) prefix.push(...kept, ...randomTokens(rng, 1));
      else {
        prefix = [...prefix.slice(0, 1 + below(rng, prefix.length)), ...randomTokens(rng, 2)].slice(0, 40);
        for await (const _ of cache.prefill(prefix)); // another turn
      }
      cache.rollback(prefix);
    }
    await cache.dispose();
  });
});
