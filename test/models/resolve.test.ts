import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join, relative } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ModelFileError, UsageError } from '../../src/errors.js';
import { EMBEDDED_PAIR, resolveModel } from '../../src/models/resolve.js';
import { textFile } from '../support/gguf-files.js';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'mtad-resolve-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

describe('resolveModel', () => {
  it('takes an absolute path and one from the current folder', () => {
    const path = EMBEDDED_PAIR.draft;
    expect(resolveModel(path, undefined)).toBe(path);
    expect(resolveModel(relative(process.cwd(), path), undefined)).toBe(path);
  });

  it('finds a bare name, and a path, in the models folder', async () => {
    const folder = join(dir, 'family');
    await mkdir(folder);
    const path = await textFile(folder);
    expect(resolveModel(basename(path), folder)).toBe(path);
    expect(resolveModel(join('family', basename(path)), dir)).toBe(path);
    expect(resolveModel(basename(path), relative(process.cwd(), folder))).toBe(path);
  });

  it('prefers the current folder to the models folder', async () => {
    const name = relative(process.cwd(), EMBEDDED_PAIR.draft);
    await mkdir(dirname(join(dir, name)), { recursive: true });
    await textFile(dirname(join(dir, name)));
    expect(resolveModel(name, dir)).toBe(EMBEDDED_PAIR.draft);
  });

  it('names the places it looked at, and the option that adds one', () => {
    const look = (modelsDir?: string) => () => resolveModel('nowhere.gguf', modelsDir);
    expect(look(dir)).toThrow(ModelFileError);
    expect(look(dir)).toThrow(join(process.cwd(), 'nowhere.gguf'));
    expect(look(dir)).toThrow(join(dir, 'nowhere.gguf'));
    expect(look()).toThrow(join(process.cwd(), 'nowhere.gguf'));
    expect(look()).toThrow('--models-dir');
  });

  it.each([
    'hf:org/model:Q4_K_M',
    'huggingface:org/model',
    'HF:org/model',
    'https://example.org/model.gguf',
    'http://example.org/model.gguf',
  ])('refuses the address %s', (address) => {
    expect(() => resolveModel(address, undefined)).toThrow(UsageError);
    expect(() => resolveModel(address, undefined)).toThrow(address);
  });
});
