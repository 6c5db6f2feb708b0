import { performance } from 'node:perf_hooks';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { CallClock } from '../../../src/engine/call-clock.js';
import { ShortCalls } from '../../../src/engine/direct/short-calls.js';

let now = 0; // milliseconds
beforeEach(() => vi.spyOn(performance, 'now').mockImplementation(() => now));
afterEach(() => vi.restoreAllMocks());

/** Where calls of these widths and milliseconds ran, one after the other. */
async function placesOf(
  calls: readonly [width: number, ms: number][],
  shortCalls = new ShortCalls(),
): Promise<string[]> {
  const clock = new CallClock();
  const places: string[] = [];
  const run = (place: string, ms: number) => {
    places.push(place);
    now += ms;
  };
  for (const [width, ms] of calls)
    await shortCalls.run(
      width,
      { here: () => run('here', ms), elsewhere: async () => run('elsewhere', ms) },
      clock,
    );
  return places;
}

describe('a call of llama.cpp', () => {
  it('runs here if the last one of its width was short', async () => {
    expect(
      await placesOf([
        [1, 0.5],
        [4, 0.7],
        [1, 0.5],
        [4, 0.7],
      ]),
    ).toEqual(['elsewhere', 'elsewhere', 'here', 'here']);
  });

  it('runs elsewhere as long as it takes long', async () => {
    expect(
      await placesOf([
        [1, 5],
        [1, 0.5],
        [1, 5],
        [1, 0.5],
      ]),
    ).toEqual(['elsewhere', 'elsewhere', 'here', 'elsewhere']);
  });

  it('lets the event loop have a turn every ten milliseconds', async () => {
    const places = await placesOf(Array.from({ length: 20 }, () => [1, 1.5]));
    expect(places.filter((place) => place === 'elsewhere')).toHaveLength(3);
    expect(places.lastIndexOf('elsewhere')).toBe(16);
  });

  it('runs elsewhere where it may not wait, however short it is', async () => {
    const calls = Array.from({ length: 4 }, (): [number, number] => [1, 0.1]);
    expect(await placesOf(calls, new ShortCalls(false))).toEqual(Array(4).fill('elsewhere'));
  });

  it('runs elsewhere after one that failed', async () => {
    const shortCalls = new ShortCalls();
    const clock = new CallClock();
    const elsewhere = vi.fn(async () => 0);
    const failing = () => {
      throw new Error('out of memory');
    };
    await shortCalls.run(1, { here: () => 0, elsewhere }, clock);
    await expect(shortCalls.run(1, { here: failing, elsewhere }, clock)).rejects.toThrow('out of memory');
    await shortCalls.run(1, { here: () => 0, elsewhere }, clock);
    expect(elsewhere).toHaveBeenCalledTimes(2);
  });
});
