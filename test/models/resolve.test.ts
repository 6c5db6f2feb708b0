import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
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

/** Puts a model where a download would. @returns the models folder and the path */
async function downloaded(...places: string[]): Promise<{ modelsDir: string; paths: string[] }> {
  const modelsDir = await mkdtemp(join(dir, 'models-'));
  const paths = places.map((place) => join(modelsDir, place));
  for (const path of paths) {
    await mkdir(dirname(path), { recursive: true });
    await copyFile(EMBEDDED_PAIR.draft, path);
  }
  return { modelsDir, paths };
}

describe('resolveModel', () => {
  it('takes an absolute path and one from the current folder', async () => {
    const path = EMBEDDED_PAIR.draft;
    expect(await resolveModel(path)).toBe(path);
    expect(await resolveModel(relative(process.cwd(), path))).toBe(path);
  });

  it('finds a bare name, and a path, in the models folder', async () => {
    const folder = join(dir, 'family');
    await mkdir(folder);
    const path = await textFile(folder);
    expect(await resolveModel(basename(path), { modelsDir: folder })).toBe(path);
    expect(await resolveModel(join('family', basename(path)), { modelsDir: dir })).toBe(path);
    const modelsDir = relative(process.cwd(), folder);
    expect(await resolveModel(basename(path), { modelsDir })).toBe(path);
  });

  it('prefers the current folder to the models folder', async () => {
    const name = relative(process.cwd(), EMBEDDED_PAIR.draft);
    const { modelsDir } = await downloaded(name);
    expect(await resolveModel(name, { modelsDir })).toBe(EMBEDDED_PAIR.draft);
  });

  it('names the places it looked at, and what an address looks like', async () => {
    const look = resolveModel('nowhere.gguf', { modelsDir: dir });
    await expect(look).rejects.toThrow(ModelFileError);
    await expect(look).rejects.toThrow(join(process.cwd(), 'nowhere.gguf'));
    await expect(look).rejects.toThrow(join(dir, 'nowhere.gguf'));
    await expect(look).rejects.toThrow('hf:user/repo');
  });

  it('finds the bare name of a download, unless there are several', async () => {
    const { modelsDir, paths } = await downloaded('hf/a/b/one.gguf', 'hf/a/b/two.gguf', 'hf/a/c/two.gguf');
    expect(await resolveModel('one.gguf', { modelsDir })).toBe(paths[0]);
    await expect(resolveModel('two.gguf', { modelsDir })).rejects.toThrow(
      /2 models are named two\.gguf: .*hf\/a\/b.*hf\/a\/c/,
    );
  });

  it('does not take a partial file for a model', async () => {
    const { modelsDir } = await downloaded('.partial/hf/a/b/one.gguf/lock.gguf');
    await expect(resolveModel('lock.gguf', { modelsDir })).rejects.toThrow(ModelFileError);
  });
});

/** `offline` proves that no network is used: it makes a look there an error. */
describe('resolveModel of an address whose model is in the folder', () => {
  const Q4 = 'hf/org/model-GGUF/model-Q4_K_M.gguf';
  const Q8 = 'hf/org/model-GGUF/model-Q8_0.gguf';

  it.each([
    ['hf:org/model-GGUF:Q4_K_M', Q4],
    ['hf:org/model-GGUF:q8_0', Q8],
    ['hf:org/model-GGUF', Q4],
    ['huggingface:org/model-GGUF:Q8_0', Q8],
    ['hf.co/org/model-GGUF:Q8_0', Q8],
    ['https://huggingface.co/org/model-GGUF/blob/main/model-Q8_0.gguf', Q8],
    ['hf:org/model-GGUF/sub/deep.gguf#v2', 'hf/org/model-GGUF@v2/sub/deep.gguf'],
    ['https://example.org:8080/a/b.gguf', 'url/example.org_8080/a/b.gguf'],
    ['https://example.org:8080/a/b.gguf?X-Amz-Signature=1', 'url/example.org_8080/a/b.gguf'],
    ['https://example.org:8080/a/b.gguf?id=1', 'url/example.org_8080/d9fc91d45c09/a/b.gguf'],
    ['http://[::1]:8080/b.gguf', 'url/[__1]_8080/b.gguf'],
  ])('%s is %s', async (address, place) => {
    const { modelsDir } = await downloaded(
      Q4,
      Q8,
      'hf/org/model-GGUF@v2/sub/deep.gguf',
      'url/example.org_8080/a/b.gguf',
      'url/example.org_8080/d9fc91d45c09/a/b.gguf',
      'url/[__1]_8080/b.gguf',
    );
    expect(await resolveModel(address, { modelsDir, offline: true })).toBe(join(modelsDir, place));
  });

  it('of one in parts, the first, if all are there', async () => {
    const part = (i: number) => `hf/org/model-GGUF/model-Q6_K-0000${i}-of-00002.gguf`;
    const whole = await downloaded(part(1), part(2));
    const find = (modelsDir: string, name: string) => resolveModel(name, { modelsDir, offline: true });
    expect(await find(whole.modelsDir, 'hf:org/model-GGUF:Q6_K')).toBe(whole.paths[0]);
    expect(await find(whole.modelsDir, 'hf:org/model-GGUF/model-Q6_K-00002-of-00002.gguf')).toBe(
      whole.paths[0],
    );
    const half = await downloaded(part(1));
    await expect(find(half.modelsDir, 'hf:org/model-GGUF:Q6_K')).rejects.toThrow('mtad pull');
  });

  it.each([
    'hf:org/model-GGUF:Q4_K',
    'hf:org/model-GGUF:Q5_K_M',
    'hf:org/other',
    'https://example.org/c.gguf',
    'https://example.org:8080/a/b.gguf',
  ])('%s is not there: `offline` is an error that says what to do', async (address) => {
    const { modelsDir } = await downloaded(Q4, Q8);
    const look = resolveModel(address, { modelsDir, offline: true });
    await expect(look).rejects.toThrow(ModelFileError);
    await expect(look).rejects.toThrow(
      `${address} is not in ${modelsDir}, and \`offline\` forbids the network; run mtad pull ${address} first`,
    );
  });

  it('refuses a malformed address', async () => {
    await expect(resolveModel('hf:org', { modelsDir: dir })).rejects.toThrow(UsageError);
  });
});
