/** Models over which llama.cpp ends the process: they are refused before it sees them. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Metadata, type MetadataValue, writeGguf } from '../../scripts/gguf-writer.js';
import { randomModel } from '../../scripts/make-random-model.js';
import { ModelFileError } from '../../src/errors.js';
import { readHeader } from '../../src/models/header.js';
import { EMBEDDED_PAIR } from '../../src/models/resolve.js';
import { tinyModel } from '../support/gguf-files.js';
import {
  graniteModel,
  hybridModel,
  mamba2Model,
  recurrentModel,
  slidingWindowModel,
} from '../support/other-architectures.js';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'mtad-rules-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

/** A tiny model with other metadata; undefined takes an entry away. */
async function modelWith(changes: Record<string, MetadataValue | undefined>): Promise<string> {
  const { metadata, tensors } = randomModel({ vocab: 384, width: 32, layers: 1, heads: 2, ffn: 64 });
  const changed = Object.entries({ ...metadata, ...changes }).filter(([, value]) => value !== undefined);
  const path = join(dir, 'changed.gguf');
  await writeGguf(path, { metadata: Object.fromEntries(changed) as Metadata, tensors });
  return path;
}

/** A tiny model in which a field of the directory of tensors, so many bytes behind a name, has another value. */
async function modelWithTensor(name: string, at: number, value: number): Promise<string> {
  const bytes = await readFile(await tinyModel(dir));
  bytes.writeUInt32LE(value, bytes.indexOf(name) + name.length + at);
  const path = join(dir, 'tensor.gguf');
  await writeFile(path, bytes);
  return path;
}

const F32 = (f32: number) => ({ f32 });
const U32 = (u32: number) => ({ u32 });
const NO_IDS = { 'tokenizer.ggml.bos_token_id': undefined, 'tokenizer.ggml.eos_token_id': undefined };
const CASES: readonly (readonly [Record<string, MetadataValue | undefined>, RegExp])[] = [
  [{ 'llama.attention.layer_norm_rms_epsilon': F32(-1) }, /epsilon is -1, not 0 or above/],
  [{ 'llama.attention.layer_norm_rms_epsilon': F32(Number.NaN) }, /epsilon is NaN, not 0 or above/],
  [{ 'llama.attention.head_count': undefined }, /head_count is 0, not at least 1/],
  [{ 'llama.attention.head_count': U32(0) }, /head_count is 0, not at least 1/],
  [{ 'llama.attention.head_count': U32(34) }, /head_count is 34, not at most 32/],
  [{ 'llama.attention.head_count_kv': U32(0) }, /head_count_kv is 0, not a divisor of 2/],
  [{ 'llama.attention.head_count_kv': U32(3) }, /head_count_kv is 3, not a divisor of 2/],
  [{ 'general.alignment': U32(16) }, /general.alignment is 16, not a power of two of at least 32/],
  [{ 'general.alignment': U32(48) }, /general.alignment is 48, not a power of two/],
  [{ 'general.alignment': U32(0) }, /general.alignment 0 instead of a power of two/],
  [{ 'llama.rope.scaling.type': { string: 'none of these' } }, /is "none of these", not one of none, linear/],
  [{ 'llama.rope.dimension_count': U32(7) }, /dimension_count is 7, not even/],
  [{ 'llama.rope.freq_base': F32(0) }, /freq_base is 0, not above 0/],
  [{ 'tokenizer.ggml.model': { string: 'no_vocab' } }, /is "no_vocab", not one of llama, gpt2/],
  [{ 'tokenizer.ggml.model': { string: 'bert' } }, /is "bert", not one of llama, gpt2/],
  [{ 'tokenizer.ggml.model': undefined }, /tokenizer.ggml.model is null, not one of/],
  [{ 'tokenizer.ggml.model': { string: 'rwkv' } }, /no token for the end of a line/],
  [{ 'llama.expert_count': U32(1025) }, /expert_count is 1025, not at most 1024/],
  [{ 'llama.expert_count': U32(4) }, /expert_used_count is 0, not 1 to 4/],
  [{ 'llama.expert_used_count': U32(1) }, /expert_used_count is 1, not 0, without experts/],
  [{ 'llama.nextn_predict_layers': U32(2) }, /nextn_predict_layers is 2, not at most 1/],
  [{ 'llama.shortconv.l_cache': U32(0) }, /shortconv.l_cache is 0, not at least 1/],
  [{ '\0name': U32(1) }, /the key "\\u0000name", which llama.cpp would cut at its NUL character/],
  [{ 'split.count': { i32: 2 } }, /the type of split.count is i32, not u16/],
  [{ 'tokenizer.ggml.tokens': { strings: ['a'] } }, /no token for the byte <0x00>/],
  [
    { 'tokenizer.ggml.model': { string: 'gpt2' }, 'tokenizer.ggml.tokens': { strings: ['a'] }, ...NO_IDS },
    /bos_token_id is missing, not one of its 1 tokens/,
  ],
  [{ 'llama.feed_forward_length': undefined }, /feed_forward_length is 0, not at least 1/],
  [{ 'llama.attention.value_length': U32(0) }, /value_length is 0, not at least 1/],
  [{ 'general.architecture': undefined }, /names no architecture/],
  [{ 'llama.block_count': undefined }, /llama.block_count is missing, not 1 to 512/],
  [
    {
      'tokenizer.ggml.model': { string: 'gemma4' },
      'tokenizer.ggml.add_bos_token': { bool: false },
      ...NO_IDS,
    },
    /bos_token_id is missing, not one of its 384 tokens/,
  ],
];

describe('a model that llama.cpp would not survive', () => {
  it.each(CASES)('is refused in one line: %j', async (changes, reason) => {
    const path = await modelWith(changes);
    const error = await readHeader(path).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(ModelFileError);
    expect((error as Error).message).toMatch(reason);
    expect((error as Error).message).toMatch(
      /^\S+changed\.gguf [^\n]+: (llama\.cpp cannot run it; use another file|it is damaged or cut off; download it again)$/,
    );
  });

  it.each([
    ['output_norm.weight', 12, 1, /the tensor output_norm.weight of type 1, not of type 0/],
    ['token_embd.weight', 20, 25, /the tensor token_embd.weight of type 25, which no matrix has/],
    ['output_norm.weight', 4, 0, /the tensor output_norm.weight without numbers/],
    ['output_norm.weight', 0, 2 ** 32 - 1, /the tensor output_norm.weight of 4294967295 dimensions/],
  ])('is refused for the field of %s at %i: %i', async (name, at, value, reason) => {
    await expect(readHeader(await modelWithTensor(name, at, value))).rejects.toThrow(reason);
  });

  it.each([
    [1, 'is of GGUF version 1, not 2 or 3'],
    [4, 'is of GGUF version 4, not 2 or 3'],
    [3 * 2 ** 24, 'is big-endian, made for other processors'],
  ])('is refused as a whole file: version %i', async (version, reason) => {
    const bytes = await readFile(await tinyModel(dir));
    bytes.writeUInt32LE(version, 4);
    const path = join(dir, 'version.gguf');
    await writeFile(path, bytes);
    await expect(readHeader(path)).rejects.toThrow(
      `${path} ${reason}: llama.cpp cannot run it; use another file`,
    );
  });

  it('is refused as a whole file where it breaks a rule', async () => {
    const path = await modelWith({ 'general.alignment': U32(16) });
    await expect(readHeader(path)).rejects.toThrow(': llama.cpp cannot run it; use another file');
  });

  it('is refused for a text that is longer than the file, and for one that is longer than any', async () => {
    const bytes = await readFile(await tinyModel(dir));
    const path = join(dir, 'long.gguf');
    for (const length of [bytes.length, 2 ** 31, 2 ** 32 - 1]) {
      bytes.writeUInt32LE(length, bytes.indexOf('general.architecture') + 'general.architecture'.length + 4);
      await writeFile(path, bytes);
      await expect(readHeader(path)).rejects.toThrow(
        /ends at byte|a text in general.architecture of \d+ bytes/,
      );
    }
  });
});

describe('a well-formed model', () => {
  it.each([
    ['the embedded target', () => EMBEDDED_PAIR.model],
    ['the embedded draft', () => EMBEDDED_PAIR.draft],
    ['one with a head', () => 'gguf/stories-hybrid-f16.gguf'],
    ['lfm2', () => hybridModel(dir)],
    ['mamba', () => recurrentModel(dir)],
    ['mamba2', () => mamba2Model(dir)],
    ['granitehybrid', () => graniteModel(dir)],
    ['gemma2', () => slidingWindowModel(dir, { window: 8 })],
  ])('is taken: %s', async (_, make) => {
    await expect(readHeader(await make())).resolves.toBeDefined();
  });
});
