import { performance } from 'node:perf_hooks';
import koffi from 'koffi';
import { expect, it, vi } from 'vitest';
import { FreedMemory, openTrim } from '../../../src/engine/direct/freed-memory.js';

const MIB = 2 ** 20;

it('is given back once a second at most, and not in the first one', async () => {
  let now = 5000;
  const clock = vi.spyOn(performance, 'now').mockImplementation(() => now);
  try {
    const given: number[] = [];
    const memory = new FreedMemory(async () => given.push(now));
    for (now of [5001, 5999, 6000, 6001, 6999, 7500, 9000, 9001]) await memory.giveBack();
    expect(given).toEqual([6000, 7500, 9000]);
  } finally {
    clock.mockRestore();
  }
});

it('stays where it is with a C library that has no such function', () => {
  const c = koffi.load(null);
  const other = { ...c, func: () => c.func('int no_such_function(size_t pad)') };
  expect(openTrim({ load: () => other as unknown as typeof c })).toBeUndefined();
});

const { glibcVersionRuntime } = (process.report.getReport() as { header: Record<string, unknown> }).header;
it.skipIf(!glibcVersionRuntime)(
  'goes back to the system, if a piece between is in use (needs glibc)',
  async () => {
    const c = koffi.load(null);
    const malloc = c.func('void *malloc(size_t bytes)');
    const free = c.func('void free(void *piece)');
    const fill = c.func('void *memset(void *piece, int byte, size_t bytes)');
    const pieces = Array.from({ length: 640 }, () => fill(malloc(100_000), 1, 100_000)); // 61 MiB
    const [last] = pieces.splice(-1);
    for (const piece of pieces) free(piece);
    const before = process.memoryUsage.rss();
    await openTrim(koffi)!();
    expect((before - process.memoryUsage.rss()) / MIB).toBeGreaterThan(30);
    free(last);
  },
);
