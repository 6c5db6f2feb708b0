/** What came is not lost over an answer of which nothing is taken, nor to a process that slept. */
import { readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Mood } from '../support/hub.js';
import {
  ADDRESS,
  BIG,
  big,
  failure,
  get,
  hub,
  interrupted,
  kept,
  models,
  partials,
  withHub,
} from '../support/hub-downloads.js';

withHub();

const address = () => `${hub.cdn}/${encodeURIComponent(BIG)}`;
const content = async () => readFile((await get(address())).path);

/** Interrupts a download. @returns bytes that are kept of it */
async function begun(): Promise<number> {
  await interrupted({ address: address() });
  hub.reset();
  return kept();
}

/** The first break ends a download, however slow the machine is: the wait before a new try is as long as its patience. */
const NO_NEW_TRY = { stallMs: 5000, retryMs: 5000 };

/** Every answer after the first, by which the file is known. */
const afterwards = (mood: Mood, change = () => {}) => ({
  onProgress: () => {
    hub.mood = mood;
    change();
  },
});

describe('a server that answers a range with the whole file', () => {
  it('and breaks before what is kept ends: that stays', async () => {
    const before = await begun();
    hub.mood = { ranges: false, goneAfter: 5e5 };
    expect(await failure(address(), NO_NEW_TRY)).toMatch(
      / MB of 3\.13 MB are kept; the same command continues$/,
    );
    expect(await kept()).toBe(before);
    hub.reset();
    expect((await content()).equals(big)).toBe(true);
    expect(hub.sent).toBeLessThan(big.length - before + 1000);
  });

  it('and breaks behind what is kept: more is kept', async () => {
    const before = await begun();
    hub.mood = { ranges: false, goneAfter: before + 5e5 };
    await failure(address(), NO_NEW_TRY);
    expect(await kept()).toBeGreaterThan(before);
    hub.reset();
    expect((await content()).equals(big)).toBe(true);
  });

  it('after it answered others with ranges: what those brought stays', async () => {
    const before = await begun();
    const options = { onProgress: () => hub.sent > 5e5 && Object.assign(hub.mood, { ranges: false }) };
    hub.mood = { cuts: 2, bytesPerSecond: 5e6 };
    expect(await failure(address(), options)).toMatch(/are kept; the same command continues$/);
    expect(await kept()).toBeGreaterThan(before);
  });

  it('and gives it to its end: the model is right', async () => {
    await interrupted();
    hub.reset();
    hub.mood = { ranges: false };
    const { path, checked } = await get();
    expect(checked).toBe(true);
    expect((await readFile(path)).equals(big)).toBe(true);
  });

  it('that is a page of another: what is kept stays, and where it is, is told', async () => {
    const before = await begun();
    const page = () => void hub.files.set(BIG, Buffer.from('<!doctype html><title>Sign in</title>'));
    const [part] = await partials();
    expect(await failure(address(), afterwards({ tells: false }, page))).toBe(
      `${new URL(hub.cdn).host} gives other bytes of big-Q4_K_M.gguf than those that are kept; try again, or delete ${part} to begin anew`,
    );
    expect(await kept()).toBe(before);
  });
});

describe('an answer of which no byte is taken', () => {
  it.each<[string, Mood, RegExp]>([
    ['compressed', { gzip: 1000 }, /compressed \(Content-Encoding: gzip\)/],
    [
      'of another file',
      { ranges: false, contentLength: 12_345 },
      /gives another big-Q4_K_M\.gguf than was begun/,
    ],
  ])('%s: what is kept stays', async (_, mood, message) => {
    const before = await begun();
    expect(await failure(address(), afterwards(mood))).toMatch(message);
    expect(await kept()).toBe(before);
    hub.reset();
    expect((await content()).equals(big)).toBe(true);
    expect(hub.sent).toBeLessThan(big.length - before + 1000);
  });
});

it('an answer of another length than the hub says: what is kept stays', async () => {
  await interrupted();
  hub.reset();
  const before = await kept();
  const wrong = afterwards({ ranges: false, contentLength: 12_345 });
  expect(await failure(ADDRESS, wrong)).toMatch(/has 12345 bytes instead of 3133440/);
  expect(await kept()).toBe(before);
});

describe('a process that slept while another one took over', () => {
  const OTHERS = Buffer.from('GGUF of the other');

  /** What another process does in the sleep of this one, on a server that knows no ranges. */
  async function takeOver(): Promise<string> {
    const [part] = await partials();
    await writeFile(join(dirname(part!), 'lock'), 'the other');
    await rm(part!);
    await writeFile(part!, OTHERS);
    return part!;
  }

  it.each<[string, string, (abort: () => void) => void]>([
    ['its connection is lost', 'loading', () => (hub.mood.gone = true)],
    ['it is ended', 'loading', (abort) => abort()],
    ['it has all, and would check and rename it', 'checking', () => {}],
  ])('leaves the files of that one alone: %s', async (_, moment, wake) => {
    const controller = new AbortController();
    const abort = () => controller.abort();
    let part = '';
    hub.mood = { ranges: false, bytesPerSecond: 5e6 };
    let taken: Promise<void> = Promise.resolve();
    const run = get(address(), {
      ...NO_NEW_TRY,
      signal: controller.signal,
      onNotice: abort, // that it waits
      onProgress: ({ state, bytes }) => {
        if (part || state !== moment || bytes === 0) return;
        part = 'soon';
        taken = takeOver().then((path) => {
          part = path;
          wake(abort);
        });
      },
    });
    await expect(run).rejects.toMatchObject({ name: 'AbortError' });
    await taken;
    expect((await readFile(part)).equals(OTHERS)).toBe(true);
    expect(await readFile(join(dirname(part), 'lock'), 'utf8')).toBe('the other');
    expect(await models()).toEqual([]);
  });
});

describe('a file that changes between two tries, or within one', () => {
  const OLD = 'Mon, 05 Oct 2026 10:00:00 GMT';
  const NEW = 'Tue, 06 Oct 2026 10:00:00 GMT';

  it.each<[string, Mood, Mood, RegExp | undefined]>([
    ['a strong tag', {}, {}, /^"[0-9a-f]{64}"$/],
    ['a weak tag', { etag: 'weak' }, { etag: 'weak' }, undefined],
    [
      'a weak tag and a date',
      { etag: 'weak', lastModified: OLD },
      { etag: 'weak', lastModified: NEW },
      /^Mon, 05 Oct/,
    ],
    ['a date alone', { etag: false, lastModified: OLD }, { etag: false, lastModified: NEW }, /^Mon, 05 Oct/],
  ])('%s tells it: the new file comes whole, never a mix', async (_, before, after, ifRange) => {
    const other = Buffer.from(big).fill(7, 1000);
    const change = () => {
      hub.mood = { ...after };
      hub.files.set(BIG, other);
    };
    hub.mood = { ...before };
    await interrupted({ address: address() });
    hub.log.length = 0;
    const changing = { ...afterwards({ ...after }, change) };
    hub.mood = { ...before };
    expect(await failure(address(), changing)).toMatch(
      /gives another big-Q4_K_M\.gguf than was begun; run the same command again/,
    );
    const asked = hub.fetched.filter(({ range }) => range !== 'bytes=0-0');
    expect(asked).toHaveLength(1);
    if (ifRange) expect(asked[0]!.ifRange).toMatch(ifRange);
    else expect(asked[0]!.ifRange).toBeUndefined();
    expect((await content()).equals(other)).toBe(true);
  });

  it.each<[string, Mood]>([
    ['a strong tag', {}],
    ['a weak tag', { etag: 'weak' }],
    ['a date alone', { etag: false, lastModified: OLD }],
  ])('%s that stays the same: the rest alone comes', async (_, mood) => {
    hub.mood = { ...mood };
    await interrupted({ address: address() });
    hub.reset();
    hub.mood = { ...mood };
    const before = await kept();
    expect((await content()).equals(big)).toBe(true);
    expect(hub.sent).toBeLessThan(big.length - before + 1000);
  });
});
