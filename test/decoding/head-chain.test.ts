import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { CacheManager } from '../../src/decoding/cache-manager.js';
import { openCache } from '../../src/decoding/open-cache.js';
import { createDirectEngine } from '../../src/engine/direct/engine.js';
import type { HiddenState } from '../../src/engine/passes.js';
import type { Engine, Model } from '../../src/engine/port.js';
import { createRng } from '../../src/math/rng.js';
import type { DraftNode, TokenId, TopLogits } from '../../src/types.js';
import { ALL, chain, decode, difference, TOLERANCE, withContext } from '../engine/rows.js';
import { attentionWithChain, CHAIN } from '../support/head-models.js';
import { tries } from '../support/tries.js';

const ROOM = 64;
const UNUSED = { tokens: Int32Array.of(0), logProbs: Float64Array.of(0) };

let dir: string;
let engine: Engine;
let target: Model;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'mtad-chain-'));
  engine = await createDirectEngine({ gpu: 'off' });
  target = await engine.loadModel(await attentionWithChain(dir), { withHead: true });
});
afterAll(async () => {
  await engine.dispose();
  await rm(dir, { recursive: true, force: true });
});

function likeliest({ tokens, logits }: TopLogits): TokenId {
  return tokens[logits.indexOf(Math.max(...logits))]!;
}

/**
 * What llama.cpp's own driver does in its mode `chain_heads` (common/speculative.cpp), with new contexts for each guess:
 * layer d reads the text with the target's hidden states, and the d guesses with those of layers 0 to d - 1.
 */
async function drivenByHand(prefix: readonly TokenId[]): Promise<TopLogits[]> {
  const tokens = [...prefix];
  const room = { capacity: ROOM, sequences: 1 };
  const read = await withContext(target, { ...room, returnsHidden: true }, (context) =>
    context.run({ keeps: [], batch: chain(prefix), read: ALL }),
  );
  const before: (HiddenState | undefined)[] = [undefined, ...read.hidden!.slice(0, -1)]; // at the token before each
  const rows: TopLogits[] = [];
  for (let headLayer = 0; headLayer < CHAIN; headLayer++) {
    const batch = chain(tokens).map((item, i) => ({
      ...item,
      wanted: i === tokens.length - 1,
      hidden: before[i],
    }));
    const answer = await withContext(target.head!, { ...room, headLayer }, (context) =>
      context.run({ keeps: [], batch, read: ALL }),
    );
    rows.push(answer.rows[0]!);
    tokens.push(likeliest(answer.rows[0]!));
    before.push(answer.hidden![0]!);
  }
  return rows;
}

it('has each guess made by the layer of its depth, as llama.cpp’s own driver has, step after step', async () => {
  const rng = createRng(35);
  const below = (limit: number) => Math.floor(rng() * limit);
  const cache = await openCache(
    { target, draft: undefined },
    { capacity: ROOM, targetSequences: 1, draftSequences: 1, draftLength: CHAIN, usesHead: true, threads: 1 },
  );
  const randomTokens = (count: number) => Array.from({ length: count }, (): TokenId => 259 + below(120));
  let prefix = randomTokens(8);
  for await (const _ of cache.prefill(prefix));
  for (let step = 0; step < tries(12, 200); step++) {
    const byHand = await drivenByHand(prefix);
    const drafted = 1 + below(CHAIN); // so that deeper layers fall behind
    const draft: DraftNode[] = [];
    const rows: TopLogits[] = [];
    for (let parent = -1; parent < drafted - 1; parent++) {
      rows.push(...(await cache.draft!.evaluate(prefix, draft, [parent], ALL)));
      draft.push({ token: likeliest(rows.at(-1)!), parent, q: UNUSED });
    }
    expect(difference(rows, byHand.slice(0, drafted))).toBeLessThan(TOLERANCE);
    expect(draft.map(({ token }) => token)).toEqual(byHand.slice(0, drafted).map(likeliest));
    await cache.target.evaluate(prefix, draft, [-1, ...draft.keys()], ALL);
    const kept = draft.slice(0, below(drafted + 1)).map(({ token }) => token);
    if (prefix.length + kept.length + CHAIN + 2 < ROOM) prefix.push(...kept, ...randomTokens(1));
    else {
      prefix = [...prefix.slice(0, 1 + below(prefix.length)), ...randomTokens(2)].slice(0, 40);
      for await (const _ of cache.prefill(prefix)); // another turn
    }
    cache.rollback(prefix);
  }
  await cache.dispose();
});

it('guesses to its end as new caches do when short drafts have left its deeper layers far behind', async () => {
  const rng = createRng(36);
  const capacity = 1200; // more than the target's hidden states that are kept
  const options = {
    capacity,
    targetSequences: 1,
    draftSequences: 1,
    draftLength: 30,
    usesHead: true,
    threads: 1,
  };
  const open = () => openCache({ target, draft: undefined }, options);
  const someTokens = (count: number) =>
    Array.from({ length: count }, (): TokenId => 259 + Math.floor(120 * rng()));
  const guesses = async ({ draft }: CacheManager, prefix: readonly TokenId[]) => {
    const nodes: DraftNode[] = [];
    const rows: TopLogits[] = [];
    for (let parent = -1; parent < CHAIN - 1; parent++) {
      rows.push(...(await draft!.evaluate(prefix, nodes, [parent], ALL)));
      nodes.push({ token: 300 + parent, parent, q: UNUSED });
    }
    return rows;
  };

  const cache = await open();
  const prefix = someTokens(8);
  for await (const _ of cache.prefill(prefix));
  while (prefix.length < capacity - 40) {
    await cache.draft!.evaluate(prefix, [], [-1], ALL);
    const judged = someTokens(30).map((token, i): DraftNode => ({ token, parent: i - 1, q: UNUSED }));
    await cache.target.evaluate(prefix, judged, [-1, ...judged.keys()], ALL);
    prefix.push(...judged.map(({ token }) => token), ...someTokens(1));
    cache.rollback(prefix);
  }
  const fresh = await open();
  for await (const _ of fresh.prefill(prefix));
  expect(difference(await guesses(cache, prefix), await guesses(fresh, prefix))).toBeLessThan(TOLERANCE);
  await Promise.all([cache.dispose(), fresh.dispose()]);
});

it.each([
  { what: 'nothing was read before', isTargetAhead: false },
  { what: 'the target has read all before', isTargetAhead: true },
])(
  'pauses after each pass over a prompt and never says less than before, where $what',
  async ({ isTargetAhead }) => {
    const options = {
      capacity: 1000,
      targetSequences: 1,
      draftSequences: 1,
      draftLength: CHAIN,
      usesHead: true,
    };
    const cache = await openCache({ target, draft: undefined }, { ...options, threads: 1 });
    const prefix = Array.from({ length: 900 }, (_, i): TokenId => 259 + (i % 120));
    if (isTargetAhead) for await (const _ of cache.target.prefill(prefix));
    const passesSoFar = () => cache.target.work.passes + cache.draft!.work.passes;
    const least = cache.target.work.passes;
    const between: number[] = [];
    const done: number[] = [];
    let passes = least;
    for await (const pause of cache.prefill(prefix)) {
      done.push(pause.done);
      between.push(passesSoFar() - passes);
      passes = passesSoFar();
    }
    expect(Math.max(...between)).toBe(1);
    expect(passesSoFar()).toBe(passes);
    expect(passes - least).toBeGreaterThan(2 * CHAIN); // several parts, or there would be nothing to pause between
    expect(cache.draft!.work.tokens).toBe(CHAIN * (prefix.length - 1));
    expect(done).toEqual(done.toSorted((a, b) => a - b));
    expect(done.at(-1)).toBe(2 * (prefix.length - 1));
    await cache.dispose();
  },
);

it('runs another layer in each context of a chain', async () => {
  const text = chain(Array.from({ length: 8 }, (_, i) => 259 + 7 * i));
  const rows: TopLogits[] = [];
  for (let headLayer = 0; headLayer < CHAIN; headLayer++)
    await withContext(target.head!, { capacity: ROOM, sequences: 1, headLayer }, async (context) => {
      rows.push((await decode(context, text, ALL)).at(-1)!);
    });
  for (const [i, row] of rows.entries())
    for (const other of rows.slice(0, i)) expect(difference([row], [other])).toBeGreaterThan(10 * TOLERANCE);
});
