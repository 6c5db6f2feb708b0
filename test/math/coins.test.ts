import fc from 'fast-check';
import { expect, it } from 'vitest';
import { Coins } from '../../src/math/coins.js';
import { createRng } from '../../src/math/rng.js';

it('asks the generator for no number before it is tossed', () => {
  let asked = 0;
  const coins = new Coins(() => asked++);
  coins.toss();
  coins.takeBack();
  expect([coins.toss(), coins.toss(), asked]).toEqual([0, 1, 2]);
});

it('coins that were kept come in the order of the generator, whatever was tossed and taken back in between', () => {
  const step = fc.record({ count: fc.nat(5), isKept: fc.boolean() });
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const coins = new Coins(createRng(1));
      const kept: number[] = [];
      for (const { count, isKept } of steps) {
        const tossed = Array.from({ length: count }, coins.toss);
        if (isKept) {
          kept.push(...tossed);
          coins.keep();
        } else coins.takeBack();
      }
      expect(kept).toEqual(Array.from(kept, createRng(1)));
    }),
  );
});
