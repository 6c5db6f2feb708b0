import { describe, expect, it } from 'vitest';
import { BATCH_SIZE } from '../../src/engine/llama/sizing.js';
import type { BatchToken } from '../../src/engine/passes.js';
import type { Model } from '../../src/engine/port.js';
import type { TopLogits } from '../../src/types.js';
import { DEVICE } from '../support/device.js';
import { ALL, alone, chain, decode, difference, forget, TOLERANCE, withContext } from './rows.js';

const STORY = 'Once upon a time, there was a little girl named Lily. She loved to play outside with her dog.';
const OTHER =
  'One day, Tom found a big red box under the old tree. He was happy and ran home to show his mom.';

/** Batches that no context may take, each as the change that spoils a token which could come next. */
const VIOLATIONS: Record<string, (next: number) => Partial<BatchToken>> = {
  'leaves a position out': (next) => ({ position: next + 1 }),
  'takes a position twice': (next) => ({ position: next - 1 }),
  'begins before the beginning': () => ({ position: -1 }),
  'lies between two positions': (next) => ({ position: next + 0.5 }),
  'has no position': () => ({ position: Number.NaN }),
  'names a sequence after the last': () => ({ sequences: [2], position: 0 }),
  'names a sequence before the first': () => ({ sequences: [-1], position: 0 }),
};

/** Evaluating and forgetting tokens: what a sequence answers depends on its own tokens alone. */
export function decodeLaws(model: () => Model): void {
  const encode = (text: string) => model().tokenizer.encode(text);

  it('gives the same logits for one batch, for pieces, and token by token', async () => {
    const tokens = encode(STORY);
    const whole = await alone(model(), tokens);
    expect(whole).toHaveLength(tokens.length);
    for (const size of [1, 2, 5, 16]) {
      const pieces = await withContext(model(), { capacity: 64, sequences: 1 }, async (context) => {
        const rows: TopLogits[] = [];
        for (let i = 0; i < tokens.length; i += size)
          rows.push(...(await decode(context, chain(tokens.slice(i, i + size), i), ALL)));
        return rows;
      });
      expect(difference(pieces, whole)).toBeLessThan(TOLERANCE);
    }
  });

  it('takes a batch longer than batchSize as if it came in pieces of that size', async () => {
    const usual = BATCH_SIZE[DEVICE === 'off' ? 'cpu' : 'gpu'];
    const tokens = encode(STORY.repeat(usual / 8)); // of some 24 tokens
    await withContext(model(), { capacity: tokens.length, sequences: 1 }, async (context) => {
      const size = context.batchSize;
      expect(tokens.length).toBeGreaterThan(2 * size);
      const whole = await decode(context, chain(tokens), { top: 10, logSumExp: false });
      await forget(context, 0, 0);
      const pieces: TopLogits[] = [];
      for (let i = 0; i < tokens.length; i += size)
        pieces.push(...(await decode(context, chain(tokens.slice(i, i + size), i), ALL)));
      expect(difference(whole, pieces)).toBeLessThan(TOLERANCE);
    });
  });

  it('answers only for wanted tokens, in the order of the batch', async () => {
    const [a, b] = [encode(STORY), encode(OTHER)];
    const [aRows, bRows] = [await alone(model(), a), await alone(model(), b)];
    // Sequences take turns, and the second comes first.
    const batch = b.slice(0, 12).flatMap((token, i) => [
      { token, position: i, sequences: [1], wanted: i % 3 !== 1 },
      { token: a[i]!, position: i, sequences: [0], wanted: i % 2 === 0 },
    ]);
    const wanted = batch.filter((item) => item.wanted);
    await withContext(model(), { capacity: 64, sequences: 2 }, async (context) => {
      const rows = await decode(context, batch, ALL);
      const expected = wanted.map(
        ({ sequences, position }) => (sequences[0] === 0 ? aRows : bRows)[position]!,
      );
      expect(difference(rows, expected)).toBeLessThan(TOLERANCE);
    });
  });

  it('gives sequences that share a batch what each would get alone', async () => {
    const texts = [STORY, OTHER, `${OTHER} ${STORY}`, 'Tom'].map(encode);
    const expected: TopLogits[] = [];
    for (const tokens of texts) expected.push(...(await alone(model(), tokens)));
    await withContext(model(), { capacity: 64, sequences: texts.length }, async (context) => {
      const rows = await decode(
        context,
        texts.flatMap((tokens, sequence) => chain(tokens, 0, sequence)),
        ALL,
      );
      expect(difference(rows, expected)).toBeLessThan(TOLERANCE);
    });
  });

  it('keeps a sequence as it is while others are extended, cut and emptied', async () => {
    const [a, b] = [encode(STORY), encode(OTHER)];
    await withContext(model(), { capacity: 64, sequences: 3 }, async (context) => {
      await decode(context, chain(a.slice(0, 10), 0, 0), ALL);
      await decode(context, [...chain(b, 0, 1), ...chain(b, 0, 2)], ALL);
      await forget(context, 1, 5);
      await forget(context, 2, 0);
      await decode(context, chain(a.slice(0, 4), 5, 1), ALL);
      const rows = await decode(context, chain(a.slice(10), 10, 0), ALL);
      expect(difference(rows, (await alone(model(), a)).slice(10))).toBeLessThan(TOLERANCE);
    });
  });

  describe('forget', () => {
    it.each([0, 1, 7])('from position %d leaves no trace of the tokens behind it', async (from) => {
      const [a, b] = [encode(STORY), encode(OTHER)];
      await withContext(model(), { capacity: 64, sequences: 1 }, async (context) => {
        await decode(context, chain(a), ALL);
        await forget(context, 0, from);
        const rows = await decode(context, chain(b, from), ALL);
        const expected = await alone(model(), [...a.slice(0, from), ...b]);
        expect(difference(rows, expected.slice(from))).toBeLessThan(TOLERANCE);
      });
    });

    it('from the end on, or of an empty sequence, does nothing', async () => {
      const tokens = encode(STORY);
      await withContext(model(), { capacity: 64, sequences: 2 }, async (context) => {
        await forget(context, 0, 0);
        await decode(context, chain(tokens.slice(0, 10)), ALL);
        await forget(context, 0, 10);
        await forget(context, 1, 0);
        const rows = await decode(context, chain(tokens.slice(10), 10), ALL);
        expect(difference(rows, (await alone(model(), tokens)).slice(10))).toBeLessThan(TOLERANCE);
      });
    });
  });

  it('refuses to forget from where no token can be, and forgets nothing', async () => {
    const tokens = encode(STORY);
    await withContext(model(), { capacity: 64, sequences: 2 }, async (context) => {
      await decode(context, chain(tokens.slice(0, 8)), ALL);
      for (const { from, sequence } of [
        { from: -1, sequence: 0 },
        { from: 0.5, sequence: 0 },
        { from: Number.NaN, sequence: 0 },
        { from: 0, sequence: 2 },
        { from: 0, sequence: -1 },
      ])
        await expect(forget(context, sequence, from), `${sequence} from ${from}`).rejects.toThrow(RangeError);
      const rows = await decode(context, chain(tokens.slice(8), 8), ALL);
      expect(difference(rows, (await alone(model(), tokens)).slice(8))).toBeLessThan(TOLERANCE);
    });
  });

  it('refuses a batch that breaks a rule of positions or sequences, and evaluates nothing of it', async () => {
    const tokens = encode(STORY);
    await withContext(model(), { capacity: 64, sequences: 2 }, async (context) => {
      await decode(context, chain(tokens.slice(0, 8)), ALL);
      for (const [what, spoil] of Object.entries(VIOLATIONS)) {
        const [good, bad] = chain(tokens.slice(8, 10), 8);
        await expect(decode(context, [good!, { ...bad!, ...spoil(9) }], ALL), what).rejects.toThrow();
      }
      const rows = await decode(context, chain(tokens.slice(8), 8), ALL); // from where the good token would have been
      expect(difference(rows, (await alone(model(), tokens)).slice(8))).toBeLessThan(TOLERANCE);
    });
  });

  it('holds as many tokens as it said, refuses one more, and drops none for it', async () => {
    const tokens = encode(STORY);
    const expected = await alone(model(), tokens);
    await withContext(model(), { capacity: 20, sequences: 1 }, async (context) => {
      expect(context.capacity).toBe(20);
      await expect(decode(context, chain(tokens.slice(0, 21)), ALL)).rejects.toThrow();
      const full = await decode(context, chain(tokens.slice(0, 20)), ALL);
      expect(difference(full, expected.slice(0, 20))).toBeLessThan(TOLERANCE);
      await expect(decode(context, chain(tokens.slice(20, 21), 20), ALL)).rejects.toThrow();
      await forget(context, 0, 15);
      const again = await decode(context, chain(tokens.slice(15, 20), 15), ALL);
      expect(difference(again, expected.slice(15, 20))).toBeLessThan(TOLERANCE);
    });
  });

  it('is usable after a failed evaluation once its sequences are forgotten', async () => {
    const [a, b] = [encode(STORY), encode(OTHER)];
    const unknown = { token: 2 ** 30, position: 9, sequences: [0], wanted: true };
    await withContext(model(), { capacity: 64, sequences: 2 }, async (context) => {
      await decode(context, [...chain(a.slice(0, 8), 0, 0), ...chain(b.slice(0, 8), 0, 1)], ALL);
      await expect(decode(context, [...chain(a.slice(8, 9), 8), unknown], ALL)).rejects.toThrow();
      await forget(context, 0, 0);
      const rows = await decode(context, [...chain(a, 0, 0), ...chain(b.slice(8), 8, 1)], ALL);
      const expected = [...(await alone(model(), a)), ...(await alone(model(), b)).slice(8)];
      expect(difference(rows, expected)).toBeLessThan(TOLERANCE);
    });
  });
}
