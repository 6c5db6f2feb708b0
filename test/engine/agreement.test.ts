import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ModelCache } from '../../src/decoding/model-cache.js';
import { createBindingsEngine } from '../../src/engine/bindings/engine.js';
import { createDirectEngine } from '../../src/engine/direct/engine.js';
import type { Engine, Model } from '../../src/engine/port.js';
import { createRng } from '../../src/math/rng.js';
import { EMBEDDED_PAIR } from '../../src/models/resolve.js';
import { ROOT, type TokenId, type TopLogits } from '../../src/types.js';
import { DEVICE } from '../support/device.js';
import { tries } from '../support/tries.js';
import { randomTree } from './cache-laws.js';
import { ALL, chain, decode, difference, TOLERANCE, withContext } from './rows.js';

const STORY =
  'Once upon a time, there was a little girl named Lily. She loved to play outside with her dog. One day, she saw ' +
  'a big red ball in the park. "Can I play with your ball?" she asked the boy. The boy said yes, and they threw the ' +
  'ball up high. It got stuck in a tree! Lily was sad, but the boy had an idea. He climbed up and shook the branch. ' +
  'The ball fell down and they laughed. Then they ran home to tell their moms about the day. They were very tired and happy.';

/** Temperature 0: how far apart the two likeliest tokens may be for the engines to differ about them. */
const TIE = 2 * TOLERANCE;

describe('both engines', () => {
  const engines: Engine[] = [];
  beforeAll(async () => {
    engines.push(await createDirectEngine({ gpu: DEVICE }), await createBindingsEngine({ gpu: DEVICE }));
  });
  afterAll(() => Promise.all(engines.map((engine) => engine.dispose())));

  /** The same question to both. */
  const ask = (path: string, question: (model: Model) => Promise<TopLogits[]>) =>
    Promise.all(engines.map(async (engine) => question(await engine.loadModel(path, {}))));

  const TARGET = { name: 'target', path: EMBEDDED_PAIR.model };
  const DRAFT = { name: 'draft', path: EMBEDDED_PAIR.draft };
  describe.each(tries([TARGET], [TARGET, DRAFT]))('with the $name model', ({ path }) => {
    it('give the same log-probabilities along a text', async () => {
      const [direct, bindings] = await ask(path, (model) => {
        const tokens = model.tokenizer.encode(STORY.repeat(2)).slice(0, 200);
        return withContext(model, { capacity: 200, sequences: 1 }, async (context) => {
          const rows: TopLogits[] = [];
          for (
            let i = 0;
            i < tokens.length;
            i += 5 // as many as a target judges at once
          )
            rows.push(...(await decode(context, chain(tokens.slice(i, i + 5), i), ALL)));
          return rows;
        });
      });
      expect(direct).toHaveLength(200);
      expect(difference(direct!, bindings!)).toBeLessThan(TOLERANCE);
    });

    it('give the same log-probabilities in trees, one in one pass and one in a pass for each branch', async () => {
      const [direct, bindings] = await ask(path, (model) =>
        withContext(model, { capacity: 64, sequences: 4 }, async (context) => {
          const cache = new ModelCache(context);
          const rng = createRng(5);
          const prefix = model.tokenizer.encode(STORY).slice(0, 20);
          const rows: TopLogits[] = [];
          while (rows.length < 200) {
            const tree = randomTree(rng);
            rows.push(...(await cache.evaluate(prefix, tree, [ROOT, ...tree.keys()], ALL)));
            prefix.push(tree[0]?.token ?? 300);
            if (prefix.length > 50) prefix.length = 20;
            cache.rollback(prefix);
          }
          return rows;
        }),
      );
      expect(direct!.length).toBeGreaterThanOrEqual(200);
      expect(difference(direct!, bindings!)).toBeLessThan(TOLERANCE);
    });

    it('write the same text at temperature 0, except at ties', async () => {
      const rows = await ask(path, (model) =>
        withContext(model, { capacity: 200, sequences: 1 }, async (context) => {
          const tokens: TokenId[] = model.tokenizer.encode('Once upon a time');
          const seen: TopLogits[] = [];
          for (let held = 0; tokens.length < 200; ) {
            const [row] = (await decode(context, chain(tokens.slice(held), held), ALL)).slice(-1);
            held = tokens.length;
            tokens.push(row!.tokens[0]!);
            seen.push(row!);
          }
          return seen;
        }),
      );
      const [direct, bindings] = rows as [TopLogits[], TopLogits[]];
      const parting = direct.findIndex((row, i) => row.tokens[0] !== bindings[i]!.tokens[0]);
      if (parting === -1) return;
      const { logits } = direct[parting]!;
      expect(logits[0]! - logits[1]!).toBeLessThan(TIE);
    });
  });
});
