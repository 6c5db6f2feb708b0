import { beforeAll, describe, expect, it } from 'vitest';
import { readGguf, type StoredGguf } from '../../scripts/gguf-reader.js';
import type { GgufContents, TensorType } from '../../scripts/gguf-writer.js';
import { decodeFloats } from '../../scripts/tensor-data.js';
import { type WidenedShape, widenedModel } from '../../scripts/widened-model.js';
import { EMBEDDED_PAIR } from '../../src/models/resolve.js';

/** Two copies of the stream and the heads, one of the hidden units; places left over on every axis. */
const SHAPE: WidenedShape = { width: 576, layers: 7, ffn: 1472, type: 'F32' };
const COPIED = 512; // places of the stream
const UNITS = 768; // of the source's feed-forward part

describe('widenedModel', () => {
  let source: StoredGguf;
  let contents: GgufContents;
  beforeAll(async () => {
    source = await readGguf(EMBEDDED_PAIR.model);
    contents = widenedModel(source, SHAPE);
  });

  const find = ({ tensors }: GgufContents, name: string) => {
    const tensor = tensors.find((tensor) => tensor.name === `${name}.weight`);
    if (!tensor) throw new Error(`No tensor ${name}`);
    return tensor;
  };
  /** A tensor's rows. */
  const rows = async (name: string, model = contents): Promise<Float32Array[]> => {
    const { dims, type, data } = find(model, name);
    const chunks: Float32Array[] = [];
    for await (const { buffer, byteOffset, byteLength } of data())
      chunks.push(decodeFloats(new Uint8Array(buffer, byteOffset, byteLength), type));
    const length = dims[0]!;
    return chunks.flatMap((chunk) =>
      Array.from({ length: chunk.length / length }, (_, r) => chunk.subarray(r * length, (r + 1) * length)),
    );
  };
  const bytesOf = ({ buffer, byteOffset, byteLength }: Float32Array) =>
    Buffer.from(buffer, byteOffset, byteLength);
  const zeros = (values: Float32Array) => values.every((value) => value === 0);
  /** No two neighbours alike, and of the deviation that keeps a product near 1. */
  const expectNoise = (values: Float32Array, width: number) => {
    expect(values.some((value, i) => value === 0 || value === values[i + 1])).toBe(false);
    const power = values.reduce((sum, value) => sum + value ** 2, 0) / values.length;
    expect(power * width).toBeGreaterThan(0.5);
    expect(power * width).toBeLessThan(2);
  };

  it('has the sizes that were asked for, in metadata and tensors', () => {
    expect(contents.metadata).toMatchObject({
      'llama.embedding_length': { u32: 576 },
      'llama.block_count': { u32: 7 },
      'llama.feed_forward_length': { u32: 1472 },
      'llama.attention.head_count': { u32: 9 },
      'llama.attention.head_count_kv': { u32: 9 },
      'llama.rope.dimension_count': { u32: 64 },
    });
    const [epsilon] = Object.values(contents.metadata['llama.attention.layer_norm_rms_epsilon']!);
    expect(epsilon).toBeCloseTo((1e-5 * COPIED) / 576, 10); // the mean square of a stream that is zero in part
    expect(find(contents, 'token_embd').dims).toEqual([576, 2048]);
    expect(find(contents, 'blk.6.ffn_down').dims).toEqual([1472, 576]);
    expect(contents.tensors).toHaveLength(2 + 7 * 9);
  });

  it("is the source in the source's own sizes", async () => {
    const same = widenedModel(source, { width: 256, layers: 6, ffn: 768, type: 'F16' });
    expect(same.tensors).toHaveLength(source.tensors.length);
    for (const tensor of source.tensors) {
      const stored = Buffer.concat((await rows(tensor.name.replace('.weight', ''), same)).map(bytesOf));
      expect(stored.equals(bytesOf(tensor.values())), tensor.name).toBe(true);
    }
    expect(same.metadata).toMatchObject(
      Object.fromEntries(Object.entries(source.metadata).filter(([key]) => !key.startsWith('general.'))),
    );
  });

  it('keeps the vocabulary, and says what it is', () => {
    for (const [key, value] of Object.entries(source.metadata))
      if (key.startsWith('tokenizer.')) expect(contents.metadata[key]).toEqual(value);
    expect(contents.metadata['general.name']).not.toEqual(source.metadata['general.name']);
    expect(contents.metadata['mtad.caveat']).toEqual({ string: expect.stringMatching(/small model's wits/) });
    expect(contents.metadata['general.description']).toEqual(contents.metadata['mtad.caveat']);
  });

  it.each([
    ['F32', 0],
    ['F16', 1],
    ['BF16', 32],
    ['Q8_0', 7],
  ] as [TensorType, number][])('stores %s matrices and F32 norms', (type, fileType) => {
    const { metadata, tensors } = widenedModel(source, { ...SHAPE, type });
    expect(metadata['general.file_type']).toEqual({ u32: fileType });
    for (const { name, type: stored } of tensors)
      expect(stored, name).toBe(name.includes('norm') ? 'F32' : type);
  });

  it('fills with noise what nobody hears, and with zeros what somebody would', async () => {
    for (const name of ['attn_q', 'attn_k', 'attn_v']) {
      const found = await rows(`blk.0.${name}`);
      expectNoise(found.at(-1)!, 576); // of the ninth head
      expectNoise(found[0]!.subarray(COPIED), 576);
    }
    for (const name of ['ffn_gate', 'ffn_up']) {
      const found = await rows(`blk.0.${name}`);
      for (const row of [found[UNITS]!, found.at(-1)!]) expectNoise(row, 576);
      expectNoise(found[0]!.subarray(COPIED), 576);
    }
    for (const row of await rows('token_embd')) expect(zeros(row.subarray(COPIED))).toBe(true);
    for (const [name, heard] of [
      ['attn_output', COPIED],
      ['ffn_down', UNITS],
    ] as const)
      for (const [i, row] of (await rows(`blk.0.${name}`)).entries()) {
        expect(zeros(row.subarray(heard))).toBe(true);
        expect(zeros(row.subarray(0, heard))).toBe(i >= COPIED);
      }
  });

  it('adds layers of noise that write zeros', async () => {
    for (const name of ['attn_q', 'attn_k', 'attn_v', 'ffn_gate', 'ffn_up'])
      for (const row of await rows(`blk.6.${name}`)) expectNoise(row, 576);
    for (const name of ['attn_output', 'ffn_down'])
      expect((await rows(`blk.6.${name}`)).every(zeros)).toBe(true);
  });

  it('differs between the copies of a format that rounds: else they would be rounded alike', async () => {
    const found = await rows('token_embd', widenedModel(source, { ...SHAPE, type: 'BF16' }));
    const pairs = found.flatMap((row) =>
      Array.from({ length: 256 }, (_, i) => row[2 * i + 1]! / row[2 * i]!),
    );
    const ratios = pairs.filter(Number.isFinite);
    const mean = ratios.reduce((sum, ratio) => sum + ratio, 0) / ratios.length;
    expect(mean).toBeCloseTo(1 + 0.87 / 256, 4);
  });

  it.each([
    [{ width: 192 }, /--width 192 is not a whole number from the source's 256 up/],
    [{ width: 600 }, /--width 600 is not a multiple of 64/],
    [{ layers: 5 }, /--layers 5 is not a whole number from the source's 6 up/],
    [{ ffn: 512 }, /--ffn 512 is not a whole number from the source's 768 up/],
    [{ ffn: 1000 }, /--ffn 1000 is not a multiple of 32/],
    [{ width: Number.NaN }, /--width NaN/],
    [{ layers: 6.5 }, /--layers 6.5/],
  ])('refuses %j', (change, message) => {
    expect(() => widenedModel(source, { ...SHAPE, ...change })).toThrow(message);
  });
});
