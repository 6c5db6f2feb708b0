import { describe, expect, it } from 'vitest';
import { largestAllowed } from '../../../src/engine/llama/largest-allowed.js';

const SIZE = 5000;
/** Token 0 has the largest logit, token 1 the next largest. */
const largest = (count: number) => Int32Array.from({ length: Math.min(count, SIZE) }, (_, i) => i);

function choose(top: number, allowed: (token: number) => boolean) {
  const tried: number[] = [];
  const mask = { allows: (token: number) => tried.push(token) > 0 && allowed(token) };
  return { tokens: [...largestAllowed(largest, SIZE, top, mask)], tried: new Set(tried).size };
}

describe('largestAllowed', () => {
  it('takes the first ones and tries no more than it takes', () => {
    expect(choose(3, (token) => token % 2 === 1)).toEqual({ tokens: [1, 3, 5], tried: 6 });
  });

  it('is content with fewer among the 64 largest', () => {
    expect(choose(10, (token) => token === 3 || token === 63 || token === 64)).toEqual({
      tokens: [3, 63],
      tried: 64,
    });
  });

  it('looks at twice as many as are asked for', () => {
    expect(choose(50, (token) => token >= 98).tokens).toEqual([98, 99]);
  });

  it.each([64, 1500, SIZE - 1])('takes the next one, %d, where none of these is allowed', (only) => {
    expect(choose(10, (token) => token >= only).tokens).toEqual([only]);
  });

  it('takes all that are allowed where all are asked for', () => {
    expect(choose(0, (token) => token > SIZE - 4).tokens).toEqual([4997, 4998, 4999]);
    expect(choose(SIZE, (token) => token > SIZE - 4).tokens).toEqual([4997, 4998, 4999]);
  });

  it('takes none where none is allowed', () => {
    expect(choose(10, () => false).tokens).toEqual([]);
  });
});
