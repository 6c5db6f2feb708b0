import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine, Model } from '../../src/engine/port.js';
import type { TokenId, TopLogits } from '../../src/types.js';
import { tinyModel } from '../support/gguf-files.js';
import { tries } from '../support/tries.js';
import { alone, chain, decode, difference, forget, TOLERANCE, withContext } from './rows.js';

/**
 * Sequences that share a batch, in a model of many tokens: llama.cpp moves whole rows of logits when the first one is
 * read, and rows of 32,000 take long enough to move that whoever reads meanwhile is sure to read a wrong one.
 */
export function concurrencyLaws(engine: () => Engine): void {
  describe('sequences that share a batch', () => {
    let dir: string;
    let model: Model;
    beforeAll(async () => {
      dir = await mkdtemp(join(tmpdir(), 'mtad-concurrency-'));
      model = await engine().loadModel(await tinyModel(dir, { vocab: 32_000 }), {});
    });
    afterAll(() => rm(dir, { recursive: true, force: true }));

    it.each([
      { what: 'of different lengths', lengths: [48, 26, 23, 5] },
      { what: 'of the same length', lengths: [25, 25, 25, 25] },
      { what: 'of more tokens than batchSize', lengths: [48, 48, 48] },
    ])('each get what they would get alone, when $what', async ({ lengths }) => {
      const texts = lengths.map(randomText);
      const expected: TopLogits[] = [];
      for (const tokens of texts)
        expected.push(...(await alone(model, tokens, { top: 100, logSumExp: false })));
      await withContext(model, { capacity: 64, sequences: texts.length }, async (context) => {
        for (let time = 0; time < tries(4, 10); time++) {
          const rows = await decode(
            context,
            texts.flatMap((tokens, sequence) => chain(tokens, 0, sequence)),
            { top: 10, logSumExp: false },
          );
          expect(difference(rows, expected)).toBeLessThan(TOLERANCE);
          for (const sequence of texts.keys()) await forget(context, sequence, 0);
        }
      });
    });
  });
}

/** Words in no order, others for each sequence. */
function randomText(length: number, sequence: number): TokenId[] {
  return Array.from({ length }, (_, i) => 1000 + ((7919 * (i + 64 * sequence)) % 30_000));
}
