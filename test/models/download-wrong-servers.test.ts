/** Servers that tell no checksum, and give other bytes than those of the file: nothing of it gets a model's name. */
import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { transfer } from '../../src/models/transfer.js';
import { ggufOf } from '../support/gguf-files.js';
import {
  BIG,
  big,
  failure,
  folder,
  get,
  hub,
  interrupted,
  models,
  partials,
  withHub,
} from '../support/hub-downloads.js';

withHub();

const address = () => `${hub.cdn}/${encodeURIComponent(BIG)}`;
let small: Buffer;
beforeEach(() => {
  small = ggufOf(6e5);
  hub.files.set(BIG, small);
});
afterEach(async () => {
  expect(await models()).toEqual([]);
  expect(await partials()).toEqual([]);
});

describe('a server that answers every range with the first bytes of the file', () => {
  it.each([false, true])(
    'is found out before much has come; Content-Range says so: %s',
    async (saysStart) => {
      hub.files.set(BIG, big);
      hub.mood = { startOf: () => 0, saysStart, cuts: 1 };
      expect(await failure(address())).toMatch(
        /gives other bytes of big-Q4_K_M\.gguf than it is asked for.*fetch the file by other means and give its path$/,
      );
      expect(hub.sent).toBeLessThan(0.75 * big.length);
    },
  );

  it('is found out when it continues what a right one began', async () => {
    hub.files.set(BIG, big);
    await interrupted({ address: address() });
    hub.reset();
    hub.mood = { startOf: () => 0 };
    expect(await failure(address())).toContain('gives other bytes');
  });
});

describe('a server that answers ranges with bytes from elsewhere in the file', () => {
  it.each([
    ['from some byte on', (from: number) => from - (from > 2e5 ? 1000 : 0)],
    ['in one range of several', (from: number) => from + (from > 2e5 && from < 4e5 ? 1 : 0)],
  ])('%s', async (_, startOf) => {
    hub.mood = { startOf, cuts: 1 };
    expect(await failure(address())).toContain('gives other bytes');
  });
});

it.each([
  ['long ones', 1000],
  ['all', 0],
])('a server that compresses its answers, %s', async (_, gzip) => {
  hub.mood = { gzip };
  const message = /sends big-Q4_K_M\.gguf compressed \(Content-Encoding: gzip\), though it was asked not to/;
  expect(await failure(address())).toMatch(message);
  hub.mood = { gzip, ranges: false };
  expect(await failure(address())).toMatch(message);
});

it.each([false, true])('a length that is a thousand bytes short; with ranges: %s', async (ranges) => {
  hub.files.set(BIG, small.subarray(0, -1000));
  hub.mood = { ranges };
  expect(await failure(address())).toContain(
    `has ${small.length - 1000} bytes, and its header tells of at least ${small.length}`,
  );
});

it('a part of several that is a thousand bytes short', async () => {
  const part = (i: number) => `models/a-0000${i}-of-00002.gguf`;
  hub.files.set(part(1), ggufOf(1e5).subarray(0, -1000));
  hub.files.set(part(2), ggufOf(1e5));
  expect(await failure(`${hub.cdn}/${part(1)}`)).toContain('has 99000 bytes, and its header tells of');
});

describe('a body without an end', () => {
  it('ends where the header says that the file does', async () => {
    hub.mood = { endless: true };
    expect(await failure(address())).toMatch(
      /sends more as big-Q4_K_M\.gguf than the 600 kB that its header tells of/,
    );
    expect(hub.sent).toBeLessThan(small.length + 3e6);
  });

  it('ends at once where it is no model', async () => {
    hub.files.set(BIG, Buffer.from('<!doctype html>'));
    hub.mood = { endless: true };
    expect(await failure(address())).toContain('is not a GGUF file');
    expect(hub.sent).toBeLessThan(10e6);
  });

  it('ends at once where its header tells of more entries than any model has', async () => {
    const endless = Buffer.alloc(24);
    endless.write('GGUF\x03');
    endless.fill(255, 16, 23);
    hub.files.set(BIG, endless);
    hub.mood = { endless: true };
    expect(await failure(address())).toMatch(/tells of \d+ entries of metadata, more than 10000/);
    expect(hub.sent).toBeLessThan(15e6);
  });

  it('ends where the room on the disk does, for a tensor of unknown size', async () => {
    const endless = ggufOf(1000);
    const type = endless.indexOf('noise', endless.indexOf('noise') + 1) + 'noise'.length + 12;
    endless.writeUInt32LE(99, type);
    hub.files.set(BIG, endless);
    hub.mood = { endless: true };
    const begun = { tag: undefined, bytes: undefined };
    const remove = (path: string) => rm(path, { force: true });
    const told = { begun, validator: undefined, bytes: undefined, room: 5e6 };
    const job = {
      url: address(),
      credentials: {},
      path: join(folder, 'some'),
      hashed: false,
      remove,
      ...told,
    };
    await expect(transfer(job, { onBytes: () => {} })).rejects.toMatchObject({ code: 'ENOSPC' });
    expect(hub.sent).toBeLessThan(15e6);
    expect(existsSync(join(folder, 'some'))).toBe(false);
  });

  it('ends where the hub says, at a server of files that says nothing', async () => {
    hub.mood = { endless: true };
    expect(await failure()).toMatch(/sends more as big-Q4_K_M\.gguf than the 600 kB that were to come/);
    expect(hub.sent).toBeLessThan(small.length + 3e6);
  });

  it('is not begun where Content-Range tells of a longer one', async () => {
    hub.mood = { endless: true, tells: true, ranges: true, saysEnd: () => 99_999_999_999_999 };
    expect(await failure(address())).toContain('gives other bytes of big-Q4_K_M.gguf');
    expect(hub.sent).toBeLessThan(small.length + 3e6);
  });

  it('ends where a range does', async () => {
    hub.mood = { endless: true, tells: true, ranges: true };
    expect(await failure(address())).toContain('sends more as big-Q4_K_M.gguf than is asked for');
    expect(hub.sent).toBeLessThan(small.length + 3e6);
  });
});

describe('a name that no file system takes', () => {
  it.each(['a', 'é'])('is refused before anything comes (%s)', async (letter) => {
    const name = `someone/Long-GGUF/${letter.repeat(300)}.gguf`;
    hub.files.set(name, ggufOf(1e5));
    expect(await failure(`hf:${name}`)).toMatch(/has a name of \d+ bytes.* takes 255.*give its path/);
    expect(await failure(`${hub.cdn}/${encodeURIComponent(name).replaceAll('%2F', '/')}`)).toMatch(
      /takes 255/,
    );
    expect(hub.sent).toBeLessThan(100);
  });

  it('takes one that is as long as they take', async () => {
    const name = `someone/Long-GGUF/${'a'.repeat(250)}.gguf`;
    hub.files.set(name, ggufOf(1e5));
    expect(await get(`hf:${name}`)).toMatchObject({ downloaded: true });
    expect(await models()).toHaveLength(1);
    await rm(join(folder, 'hf'), { recursive: true });
  });
});
