import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { text, u32, u64 } from '../../scripts/gguf-numbers.js';
import { sharedLlama } from '../../src/engine/llama/shared-llama.js';
import { fileInfoOf } from '../../src/models/file-info.js';
import { HeaderError } from '../../src/models/gguf-bytes.js';
import { fileOf } from '../../src/models/gguf-file.js';
import { type ArrayEntry, GgufReader } from '../../src/models/gguf-reader.js';
import { EMBEDDED_PAIR } from '../../src/models/resolve.js';
import { tensorBytes } from '../../src/models/tensor-bytes.js';
import { ggufOf, tinyModel, vocabOnlyModel } from '../support/gguf-files.js';

let dir: string;
let tiny: Buffer;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'mtad-gguf-reader-'));
  tiny = await readFile(await tinyModel(dir));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

const lengthOf = (bytes: Uint8Array) => new GgufReader().push(bytes)?.least;

test.each(Object.values(EMBEDDED_PAIR))('tells how long %s is', async (path) => {
  const bytes = await readFile(path);
  expect(lengthOf(bytes)).toBe(bytes.length);
});

test('tells how long a file of one tensor is, to the byte', () => {
  for (const bytes of [1000, 1001]) expect(lengthOf(ggufOf(bytes))).toBe(bytes);
});

test('tells how long a file without tensors is', async () => {
  const bytes = await readFile(await vocabOnlyModel(dir));
  expect(bytes.length - lengthOf(bytes)!).toBeLessThan(32); // padding
});

test('tells the least where a type is not known', () => {
  const bytes = ggufOf(1000);
  expect(new GgufReader().push(bytes)).toMatchObject({ least: 1000, isExact: true });
  bytes.writeUInt32LE(99, bytes.indexOf('noise', bytes.indexOf('noise') + 1) + 'noise'.length + 12);
  expect(new GgufReader().push(bytes)).toMatchObject({ isExact: false });
});

test('heeds the alignment that a file names', () => {
  const entry = [text('general.alignment'), u32(4), u32(4096)];
  const tensor = [text('x'), u32(1), u64(10), u32(24), u64(8192)]; // of 10 elements I8
  const header = Buffer.concat([Buffer.from('GGUF'), u32(3), u64(1), u64(1), ...entry, ...tensor]);
  expect(lengthOf(header)).toBe(4096 + 8192 + 10);
});

/** A header of these entries and no tensors. @param entries keys, and values behind their type */
function headerOf(entries: Readonly<Record<string, Buffer>>): Buffer {
  const pairs = Object.entries(entries).flatMap(([key, value]) => [text(key), value]);
  return Buffer.concat([Buffer.from('GGUF'), u32(3), u64(0), u64(Object.keys(entries).length), ...pairs]);
}

test('reads different bytes as different texts, and characters as they are', () => {
  const tokensOf = (...tokens: Buffer[]) => {
    const elements = tokens.flatMap((bytes) => [u64(bytes.length), bytes]);
    const entry = Buffer.concat([u32(9), u32(8), u64(tokens.length), ...elements]);
    const { entries } = new GgufReader().push(headerOf({ 'tokenizer.ggml.tokens': entry }))!;
    return (entries.get('tokenizer.ggml.tokens') as ArrayEntry).values as string[];
  };
  const broken = [
    'ff',
    'fe',
    'c3',
    'c3c3',
    'efbfbd',
    'efbf',
    'eda080',
    'f09f',
    'f09f9099',
    '80',
    'c380',
    'e961',
  ];
  const read = tokensOf(...broken.map((bytes) => Buffer.from(bytes, 'hex')));
  expect(new Set(read).size).toBe(broken.length);
  expect(read).toMatchObject({ 0: '\udcff', 4: '\ufffd', 8: '🐙', 10: 'À', 11: '\udce9a' });
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.uint8Array(), fc.uint8Array(), (text, a, b) => {
      const [same, one, other] = tokensOf(Buffer.from(text), Buffer.from(a), Buffer.from(b));
      expect(same).toBe(text);
      expect(one === other).toBe(Buffer.from(a).equals(b));
    }),
  );
});

test('nests a key of many words eight deep, and takes no key of more than 1,024 bytes', () => {
  const architecture = { 'general.architecture': Buffer.concat([u32(8), text('llama')]) };
  const one = Buffer.concat([u32(4), u32(1)]);
  const key = Array.from({ length: 500 }, (_, i) => i % 10).join('.');
  const header = new GgufReader().push(headerOf({ ...architecture, [key]: one }))!;
  const { metadata } = fileInfoOf(
    fileOf('here', false, [{ path: undefined, header, bytes: undefined }]),
  ) as unknown as { metadata: Record<string, never> };
  let at: Record<string, unknown> = metadata;
  for (let word = 0; word < 7; word++) at = at[word] as Record<string, unknown>;
  expect(Object.entries(at)).toEqual([[key.slice(14), 1]]);
  const long = headerOf({ ...architecture, ['.'.repeat(1025)]: one });
  expect(() => lengthOf(long)).toThrow('a key of metadata of 1025 bytes, more than 1024');
});

test('takes no vocabulary of more than 2^21 tokens', () => {
  const many = Buffer.concat([u32(9), u32(8), u64(2 ** 21 + 1)]);
  const header = headerOf({ 'tokenizer.ggml.tokens': many });
  expect(() => lengthOf(header)).toThrow('has 2097153 elements in tokenizer.ggml.tokens, more than 2097152');
});

test('copies a long text in pieces once', () => {
  const value = Buffer.concat([u32(8), text('x'.repeat(2 ** 23))]);
  const bytes = headerOf({ 'tokenizer.chat_template': value });
  const concat = vi.spyOn(Buffer, 'concat');
  const reader = new GgufReader();
  for (let at = 0; at < bytes.length; at += 2 ** 16) reader.push(bytes.subarray(at, at + 2 ** 16));
  const copied = concat.mock.results.reduce((sum, { value }) => sum + (value as Buffer).length, 0);
  concat.mockRestore();
  expect(reader.push(Buffer.alloc(0))?.entries.get('tokenizer.chat_template')).toBeDefined();
  expect(copied).toBeLessThan(2 * bytes.length);
});

test('knows as much of a header in pieces, and keeps it', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 1, max: 5000 }), { minLength: 1 }), (sizes) => {
      const reader = new GgufReader();
      let length: number | undefined;
      for (let at = 0, i = 0; at < tiny.length; i++) {
        const end = at + sizes[i % sizes.length]!;
        length = reader.push(tiny.subarray(at, end))?.least;
        at = end;
      }
      expect(length).toBe(tiny.length);
    }),
    { numRuns: 50 },
  );
});

test('says nothing before it has read the header, and throws nothing else over damaged ones', () => {
  expect(lengthOf(tiny.subarray(0, 3000))).toBeUndefined();
  fc.assert(
    fc.property(fc.nat(tiny.length - 1), fc.nat(255), (at, value) => {
      const bytes = Buffer.from(tiny);
      bytes[at % 8000] = value;
      try {
        lengthOf(bytes);
      } catch (error) {
        expect(error).toBeInstanceOf(HeaderError);
      }
    }),
    { numRuns: 500 },
  );
});

test('knows the formats of llama.cpp, and their sizes', async () => {
  const { _bindings } = (await sharedLlama('off')) as unknown as {
    _bindings: Record<
      'getTypeSizeForGgmlType' | 'getBlockSizeForGgmlType',
      (type: number) => number | undefined
    >;
  };
  const removed = [4, 5, 31, 32, 33, 36, 37, 38];
  const types = Array.from({ length: 64 }, (_, type) => type).filter((type) => !removed.includes(type));
  const theirs = types.map((type) => {
    const elements = _bindings.getBlockSizeForGgmlType(type);
    return elements === undefined
      ? undefined
      : _bindings.getTypeSizeForGgmlType(type)! * ((6400 * 256) / elements);
  });
  expect(types.map((type) => tensorBytes(type, 6400 * 256))).toEqual(theirs);
});
