import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readGguf } from '../../scripts/gguf-reader.js';
import { type TensorType, tensorTypes, writeGguf } from '../../scripts/gguf-writer.js';
import { encodeFloats } from '../../scripts/tensor-data.js';
import { EMBEDDED_PAIR } from '../../src/models/resolve.js';
import { textFile, tinyModel, truncatedModel } from '../support/gguf-files.js';

describe('readGguf', () => {
  let dir: string;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'mtad-reader-'));
  });
  afterAll(() => rm(dir, { recursive: true, force: true }));

  it.each(Object.entries(EMBEDDED_PAIR))('misses nothing of the embedded %s model', async (name, path) => {
    const { metadata, tensors } = await readGguf(path);
    const copy = join(dir, `${name}.gguf`);
    await writeGguf(copy, {
      metadata,
      tensors: tensors.map((tensor) => ({ ...tensor, data: () => [tensor.bytes] })),
    });
    expect((await readFile(copy)).equals(await readFile(path))).toBe(true);
  });

  it.each(tensorTypes)('gives the numbers of a tensor of type %s', async (type: TensorType) => {
    const path = join(dir, `${type}.gguf`);
    const values = Float32Array.from({ length: 96 }, (_, i) => 127 - 4 * (i % 32)); // exact in every type: d = 1
    const tensor = { dims: [32, 3], type, data: () => [encodeFloats(values, type)] };
    await writeGguf(path, {
      metadata: {},
      tensors: [
        { ...tensor, name: 'first' },
        { ...tensor, name: 'second' },
      ],
    });
    for (const { values: read } of (await readGguf(path)).tensors) expect(read()).toEqual(values);
  });

  it('refuses a file that is cut off, and one that is no model', async () => {
    await expect(readGguf(await truncatedModel(dir, await tinyModel(dir)))).rejects.toThrow(/ends at byte/);
    await expect(readGguf(await textFile(dir))).rejects.toThrow(/not a GGUF file/);
  });
});
