import koffi from 'koffi';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { FreedMemory, openTrim } from '../../../src/engine/direct/freed-memory.js';
import { embeddedPair } from '../../support/embedded-pair.js';

const MIB = 2 ** 20;

describe('freed memory', () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());

  it('is given back a second after the first of what was freed, and the rest a second later', () => {
    const given: number[] = [];
    const memory = new FreedMemory(async () => given.push(Date.now() - began));
    const began = Date.now();
    for (const ms of [0, 200, 799, 1, 300, 100]) {
      vi.advanceTimersByTime(ms); // to 0, 200, 999, 1000, 1300, 1400
      memory.giveBackSoon();
    }
    expect(given).toEqual([1000]);
    vi.advanceTimersByTime(10_000);
    expect(given).toEqual([1000, 2000]);
  });
});

it('is to be given back where a context is freed, once', async () => {
  const giveBackSoon = vi.spyOn(FreedMemory.prototype, 'giveBackSoon');
  try {
    const { target } = await embeddedPair();
    const context = await target.createContext({ capacity: 64, sequences: 1, threads: 1 });
    expect(giveBackSoon).not.toHaveBeenCalled();
    await context.dispose();
    await context.dispose();
    expect(giveBackSoon).toHaveBeenCalledOnce();
  } finally {
    giveBackSoon.mockRestore();
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
