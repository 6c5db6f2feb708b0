import { describe, expect, it } from 'vitest';
import type { Context } from '../../src/engine/passes.js';
import type { Model } from '../../src/engine/port.js';
import type { TokenId } from '../../src/types.js';
import { ALL, alone, chain, copy, decode, difference, forget, TOLERANCE, withContext } from './rows.js';

const STORY = 'Once upon a time, there was a little girl named Lily. She loved to play outside with her dog.';
const OTHER = 'One day, Tom found a big red box under the old tree.';

/** Copying a sequence: the copies hold what it holds, as if they had evaluated it. */
export function copyLaws(model: () => Model): void {
  const encode = (text: string) => model().tokenizer.encode(text);
  const threeSequences = <T>(use: (context: Context) => Promise<T>) =>
    withContext(model(), { capacity: 64, sequences: 3 }, use);
  /** That a sequence goes on with the tokens after `held` as a fresh one does. */
  const expectGoesOn = async (
    context: Context,
    sequence: number,
    held: number,
    tokens: readonly TokenId[],
  ) => {
    const rows = await decode(context, chain(tokens.slice(held), held, sequence), ALL);
    expect(difference(rows, (await alone(model(), tokens)).slice(held))).toBeLessThan(TOLERANCE);
  };

  describe('copy', () => {
    it('makes sequences hold what another holds, whatever they held before, and leaves that one as it is', async () => {
      const [a, b] = [encode(STORY), encode(OTHER)];
      await threeSequences(async (context) => {
        await decode(context, [...chain(a.slice(0, 10)), ...chain(b, 0, 2)], ALL); // the third holds more
        await copy(context, 0, [1, 2], 10);
        for (const sequence of [1, 2]) expect(context.held[sequence]).toBe(10);
        for (const sequence of [2, 0, 1]) await expectGoesOn(context, sequence, 10, a);
      });
    });

    it('leaves alone what both are said to have in common, and takes no more for that than the sequence holds', async () => {
      const a = encode(STORY);
      await threeSequences(async (context) => {
        await decode(context, [...chain(a.slice(0, 10)), ...chain(a.slice(0, 4), 0, 1)], ALL);
        const keep = { sequence: 1, from: 0, length: 10 };
        const tooMuch = context.run({ keeps: [{ ...keep, alike: 5 }], batch: [], read: ALL });
        await expect(tooMuch).rejects.toThrow(RangeError);
        await context.run({ keeps: [{ ...keep, alike: 4 }], batch: [], read: ALL });
        expect(context.held[1]).toBe(10);
        await expectGoesOn(context, 1, 10, a);
        await expectGoesOn(context, 0, 10, a);
      });
    });

    it('ties nothing together: each goes its own way afterwards', async () => {
      const [a, b] = [encode(STORY), encode(OTHER)];
      await threeSequences(async (context) => {
        await decode(context, chain(a), ALL);
        await copy(context, 0, [1, 2], a.length);
        await forget(context, 0, 0);
        await forget(context, 1, 6);
        await expectGoesOn(context, 1, 6, [...a.slice(0, 6), ...b.slice(6)]);
        await expectGoesOn(context, 2, a.length, [...a, ...b.slice(1)]);
        await expectGoesOn(context, 0, 0, b);
      });
    });

    it('of a full sequence is full', async () => {
      const a = encode(STORY).slice(0, 20);
      await withContext(model(), { capacity: 20, sequences: 2 }, async (context) => {
        await decode(context, chain(a), ALL);
        await copy(context, 0, [1], 20);
        for (const sequence of [1]) expect(context.held[sequence]).toBe(20);
        await expect(decode(context, chain(a.slice(0, 1), 20, 1), ALL)).rejects.toThrow();
        await forget(context, 1, 19);
        await expectGoesOn(context, 1, 19, a);
      });
    });

    it('of what is not there, or to what is not there, is refused, and copies nothing', async () => {
      const [a, b] = [encode(STORY), encode(OTHER)];
      await threeSequences(async (context) => {
        await decode(context, [...chain(a.slice(0, 10)), ...chain(b.slice(0, 3), 0, 1)], ALL);
        for (const { from, to, length } of [
          { from: 0, to: [1], length: 11 },
          { from: 0, to: [1], length: -1 },
          { from: 0, to: [1], length: 0.5 },
          { from: 0, to: [1], length: Number.NaN },
          { from: 0, to: [1, 3], length: 5 },
          { from: -1, to: [1], length: 0 },
        ]) {
          const copied = copy(context, from, to, length);
          await expect(copied, `${length} of ${from} to ${to}`).rejects.toThrow(RangeError);
        }
        await expectGoesOn(context, 0, 10, a);
        await expectGoesOn(context, 1, 3, b);
      });
    });

    it('of an empty sequence is empty, and to none changes nothing', async () => {
      const [a, b] = [encode(STORY), encode(OTHER)];
      await threeSequences(async (context) => {
        await decode(context, [...chain(a.slice(0, 10)), ...chain(b, 0, 1)], ALL);
        await copy(context, 2, [1], 0);
        await copy(context, 0, [], 10);
        await expectGoesOn(context, 1, 0, b);
        await expectGoesOn(context, 0, 10, a);
        await expectGoesOn(context, 2, 0, a);
      });
    });
  });
}
