import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Metadata } from '../../scripts/gguf-writer.js';
import { writeGguf } from '../../scripts/gguf-writer.js';
import { randomModel } from '../../scripts/make-random-model.js';
import { ModelFileError } from '../../src/errors.js';
import { readHeader } from '../../src/models/header.js';
import { hasHead, headRefusal } from '../../src/models/heads.js';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'mtad-heads-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

/** The header of a file that tells of so many drafting layers behind one other, without the weights of some names. */
async function headerOf(architecture: string, layers: number, without?: RegExp) {
  const { metadata, tensors } = randomModel({ vocab: 384, width: 32, layers: 1, heads: 2, ffn: 64 });
  const renamed: Metadata = {
    ...Object.fromEntries(
      Object.entries(metadata).map(([key, value]) => [key.replace(/^llama\./, `${architecture}.`), value]),
    ),
    'general.architecture': { string: architecture },
    [`${architecture}.block_count`]: { u32: 1 + layers },
    [`${architecture}.nextn_predict_layers`]: { u32: layers },
  };
  const head = Array.from({ length: layers }, (_, n) => ({
    ...tensors[1]!,
    name: `blk.${n + 1}.nextn.eh_proj.weight`,
  }));
  const path = join(dir, 'head.gguf');
  await writeGguf(path, {
    metadata: renamed,
    tensors: [...tensors, ...head].filter(({ name }) => !without?.test(name)),
  });
  return readHeader(path);
}

describe('a drafting head', () => {
  it('is there where the header tells of it and its weights are in the file', async () => {
    expect(hasHead(await headerOf('qwen35', 1))).toBe(true);
    expect(hasHead(await headerOf('step35', 3))).toBe(true);
  });

  it.each([
    { what: 'no such layer', header: () => headerOf('qwen35', 0), reason: /has no drafting head$/ },
    {
      what: 'no weights for it',
      header: () => headerOf('qwen35', 1, /nextn/),
      reason: /has no drafting head$/,
    },
    {
      what: 'fewer heads than it tells of',
      header: () => headerOf('step35', 3, /blk\.3\./),
      reason: /has no drafting head$/,
    },
    {
      what: 'a chain of heads that llama.cpp cannot run',
      header: () => headerOf('qwen35', 3),
      reason: /a chain of 3 drafting heads, and llama\.cpp runs a single one of a qwen35 model$/,
    },
    {
      what: 'a head that llama.cpp cannot run',
      header: () => headerOf('exaone4', 1),
      reason: /a exaone4 model$/,
    },
  ])('cannot be used with $what: one line says why', async ({ header, reason }) => {
    const found = await header();
    expect(hasHead(found)).toBe(false);
    expect(headRefusal(found)).toMatch(reason);
    expect(headRefusal(found)).toContain(found.path);
  });

  it('makes no model by itself: a file with nothing else is refused in one line', async () => {
    const reading = headerOf('qwen35', 1, /^blk\.0\./);
    await expect(reading).rejects.toThrow(ModelFileError);
    await expect(reading).rejects.toThrow(
      /head\.gguf holds the drafting head of a model and not the model; use/,
    );
  });
});
