import { describe, expect, it } from 'vitest';
import type { BatchToken } from '../../src/engine/passes.js';
import type { Model } from '../../src/engine/port.js';
import { ALL, alone, chain, decode, difference, forget, TOLERANCE, withContext } from './rows.js';

const STORY = 'Once upon a time, there was a little girl named Lily.';
const ENDS = [' She had a red ball', ' One day Tom', '\nThe end'];

const forAll = (batch: readonly BatchToken[], sequences: readonly number[]) =>
  batch.map((item) => ({ ...item, sequences }));

/** Tokens of several sequences at once: a tree in one pass where the engine shares cells, an error where it does not. */
export function sharingLaws(model: () => Model): void {
  const encode = (text: string) => model().tokenizer.encode(text);
  const ends = () => ENDS.map((end) => encode(end).slice(1)); // without BOS

  describe('a token of several sequences', () => {
    it('is evaluated once, and each goes on from it as if alone', async () => {
      const trunk = encode(STORY);
      const branches = ends();
      await withContext(model(), { capacity: 64, sequences: 3 }, async (context) => {
        const tree = [
          ...forAll(chain(trunk), [2, 0, 1]),
          ...branches.flatMap((end, sequence) => chain(end, trunk.length, sequence)),
        ];
        if (!context.sharesCells) return expect(decode(context, tree, ALL)).rejects.toThrow(RangeError);
        const rows = await decode(context, tree, ALL);
        let row = trunk.length;
        for (const end of branches) {
          const expected = (await alone(model(), [...trunk, ...end])).slice(trunk.length);
          expect(difference(rows.slice(row, row + end.length), expected)).toBeLessThan(TOLERANCE);
          row += end.length;
        }
        expect(difference(rows.slice(0, trunk.length), await alone(model(), trunk))).toBeLessThan(TOLERANCE);
      });
    });

    it('is refused, and nothing evaluated, where the sequences hold different numbers of tokens', async () => {
      const [a, b] = [encode(STORY), encode('One day')];
      await withContext(model(), { capacity: 64, sequences: 2 }, async (context) => {
        await decode(context, [...chain(a), ...chain(b, 0, 1)], ALL);
        for (const length of [a.length, b.length])
          await expect(decode(context, forAll(chain([300], length), [0, 1]), ALL)).rejects.toThrow(
            RangeError,
          );
        await forget(context, 0, b.length);
        const rows = await decode(context, chain(a.slice(b.length), b.length), ALL);
        expect(difference(rows, (await alone(model(), a)).slice(b.length))).toBeLessThan(TOLERANCE);
      });
    });

    it('is refused for no sequence of two, for one twice and for what is none', async () => {
      await withContext(model(), { capacity: 8, sequences: 2 }, async (context) => {
        for (const sequences of [[], [0, 0], [0, 2], [0, -1], [0.5], [Number.NaN]])
          await expect(
            decode(context, forAll(chain([1]), sequences), ALL),
            JSON.stringify(sequences),
          ).rejects.toThrow(RangeError);
      });
    });
  });
}
