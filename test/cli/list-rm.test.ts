import { existsSync } from 'node:fs';
import {
  copyFile,
  mkdir,
  mkdtemp,
  readdir,
  rm,
  symlink,
  truncate,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest';
import { lockFolder } from '../../src/models/folder-lock.js';
import { loadPair } from '../../src/models/pair.js';
import { mtadOnTerminal } from '../support/cli.js';
import { splitModel, tinyModel } from '../support/gguf-files.js';
import { runInProcess } from '../support/run-in-process.js';
import { firstOf } from '../support/tries.js';

let root: string;
let folder: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'mtad-list-'));
  folder = join(root, 'models');
  await mkdir(join(folder, 'hf/me/tiny'), { recursive: true });
});
afterEach(() => rm(root, { recursive: true }));

const run = (...args: string[]) => runInProcess([...args, '--models-dir', folder]);
const SMALL = 'hf/me/tiny/tiny.gguf';
const small = () => tinyModel(join(folder, 'hf/me/tiny'));

describe('mtad list', () => {
  it('has a line for each model: size, format, architecture, pairs, last use', async () => {
    await utimes(await small(), new Date('2026-02-01'), new Date('2026-01-01'));
    for (const part of await splitModel(root)) {
      await mkdir(join(folder, 'hf/bartowski/Llama-3.2-1B-Instruct-GGUF'), { recursive: true });
      const name = basename(part).replace('split', 'Llama-3.2-1B-Instruct-Q4_K_M');
      await copyFile(part, join(folder, 'hf/bartowski/Llama-3.2-1B-Instruct-GGUF', name));
    }
    await writeFile(join(folder, 'broken.gguf'), 'GGUF and no more');
    const { exitCode, stdout, stderr } = await run('list');
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
    expect(stdout).toMatch(/^hf\/me\/tiny\/tiny\.gguf +[\d.]+ kB +\S+ +llama +- +2026-02-01$/m);
    expect(stdout).toMatch(/^hf\/bartowski\/\S+-00001-of-00002\.gguf +[\d.]+ kB .*llama +llama-3\.\d+-\d+b/m);
    expect(stdout).not.toContain('00002-of-00002');
    expect(stdout).toMatch(/^broken\.gguf +16 B +- +unreadable/m);
    const { models } = JSON.parse((await run('list', '--json')).stdout);
    expect(models[0]).toMatchObject({
      name: 'broken.gguf',
      problem: expect.stringMatching(/damaged or cut off/),
    });
    expect(models[1].paths).toHaveLength(2);
  });

  it('says where there is nothing', async () => {
    const { exitCode, stdout } = await run('list');
    expect(stdout).toBe(`No models in ${folder}: mtad pull downloads some, mtad pairs knows names\n`);
    expect(exitCode).toBe(0);
  });

  it('goes without columns on a narrow terminal', async () => {
    await small();
    const narrow = await runInProcess(['list', '--models-dir', folder], { isTTY: true, columns: 40 });
    expect(narrow.stdout.split('\n')[0]).not.toContain('architecture');
  });
});

describe('mtad rm', () => {
  it.each(['tiny.gguf', SMALL, 'hf:me/tiny/tiny.gguf', 'hf:me/tiny'])(
    '%s removes the model and empty folders',
    async (name) => {
      await small();
      const { exitCode, stderr, stdout } = await run('rm', '--yes', name);
      expect(stderr).toMatch(/^mtad: removed hf\/me\/tiny\/tiny\.gguf, [\d.]+ kB\n$/);
      expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: '' });
      expect(await readdir(folder)).toEqual([]);
    },
  );

  it('removes all parts of a model', async () => {
    await splitModel(join(folder, 'hf/me/tiny'));
    expect((await run('rm', '-y', 'split-00001-of-00002.gguf')).exitCode).toBe(0);
    expect(await readdir(folder)).toEqual([]);
  });

  it.each(['../precious.gguf', '.', '..', '', 'hf', '.partial/x.gguf', 'hf:me/../../precious.gguf'])(
    'never touches what is no model of the folder: %j',
    async (name) => {
      await small();
      await tinyModel(root, {}, 'precious.gguf');
      await mkdir(join(folder, '.partial'));
      await tinyModel(join(folder, '.partial'), {}, 'x.gguf');
      const { exitCode, stderr } = await run('rm', '--yes', '--', name);
      expect(stderr).toMatch(/^mtad: There is no model .* \(mtad list shows them\)\n$/);
      expect(exitCode).toBe(2);
      for (const path of ['precious.gguf', join('models', SMALL), 'models/.partial/x.gguf'])
        expect(existsSync(join(root, path))).toBe(true);
    },
  );

  it('removes a link, not what it leads to, and nothing behind a linked folder', async () => {
    const precious = await tinyModel(root, {}, 'precious.gguf');
    await symlink(precious, join(folder, 'link.gguf'));
    expect((await run('rm', '-y', 'link.gguf')).exitCode).toBe(0);
    expect(existsSync(join(folder, 'link.gguf'))).toBe(false);
    await mkdir(join(root, 'elsewhere'));
    await tinyModel(join(root, 'elsewhere'), {}, 'far.gguf');
    await symlink(join(root, 'elsewhere'), join(folder, 'linked'));
    const { exitCode } = await run('rm', '-y', 'linked/far.gguf');
    expect(exitCode).toBe(2);
    expect([precious, join(root, 'elsewhere/far.gguf')].every((path) => existsSync(path))).toBe(true);
  });

  it('removes a link that leads nowhere by its name, and by no other', async () => {
    const model = await small();
    await symlink(join(root, 'gone.gguf'), join(folder, 'old.gguf'));
    const { exitCode, stderr } = await run('rm', '-y', 'nosuch.gguf');
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('no model') });
    expect((await run('list')).stdout).toContain('old.gguf');
    expect((await run('rm', '-y', 'old.gguf')).stderr).toBe('mtad: removed old.gguf, 0 B\n');
    expect((await readdir(folder)).includes('old.gguf')).toBe(false);
    expect((await run('rm', '-y', 'tiny.gguf')).exitCode).toBe(0);
    expect(existsSync(model)).toBe(false);
  });

  it('removes none before all are found, and asks which of two is meant', async () => {
    await small();
    await mkdir(join(folder, 'hf/you'));
    await tinyModel(join(folder, 'hf/you'));
    const several = await run('rm', '-y', 'tiny.gguf');
    expect(several.stderr).toContain(
      '2 models are named tiny.gguf: give one of hf/me/tiny/tiny.gguf, hf/you/tiny.gguf',
    );
    expect((await run('rm', '-y', SMALL, 'none.gguf')).exitCode).toBe(2);
    expect(existsSync(join(folder, SMALL))).toBe(true);
  });

  it.runIf(existsSync('/proc/self/maps'))('leaves a model alone that a process uses', async () => {
    const model = await small();
    const pair = await loadPair({ model, draft: model, gpu: 'off' });
    const { exitCode, stderr } = await run('rm', '-y', 'tiny.gguf');
    await pair.dispose();
    expect(stderr).toBe(
      `mtad: ${SMALL} is in use by process ${process.pid}: end that first, then remove it\n`,
    );
    expect(exitCode).toBe(2);
    expect(existsSync(model)).toBe(true);
  });

  it('leaves a model alone that is being downloaded again; else what is left of a download goes too', async () => {
    const model = await small();
    const partials = join(folder, '.partial', SMALL);
    const lock = await lockFolder(partials, {});
    const { exitCode, stderr } = await run('rm', '-y', 'tiny.gguf');
    expect(stderr).toBe(`mtad: ${SMALL} is being downloaded: end that first, then remove it\n`);
    expect({ exitCode, isThere: existsSync(model) }).toEqual({ exitCode: 2, isThere: true });
    await lock.unlock();
    await writeFile(join(partials, 'abc.part'), '');
    await truncate(join(partials, 'abc.part'), 1000);
    expect((await run('rm', '-y', 'tiny.gguf')).exitCode).toBe(0);
    expect(await readdir(folder)).toEqual([]);
  });

  const ANSWERS: readonly (readonly [typed: string, code: number])[] = [
    ['y\n', 0],
    ['\n', 1],
    ['\x03', 130], // Ctrl-C
    ['\x04', 1], // Ctrl-D
    ['n\n', 1],
  ];
  it.each(firstOf(3, ANSWERS))('asks on a terminal: %j', async (typed, code) => {
    const model = await small();
    const asked = mtadOnTerminal(['rm', 'tiny.gguf', '--models-dir', folder], { stdin: 'pipe' });
    asked.stdout.on('data', (said) => {
      if (String(said).includes('[y/N]')) asked.stdin!.write(typed);
    });
    const { exitCode, stdout } = await asked;
    expect(stdout).toContain(`Remove from ${folder}? [y/N]`);
    expect({ exitCode, isThere: existsSync(model) }).toEqual({ exitCode: code, isThere: code !== 0 });
  });

  it('asks nobody where nobody is', async () => {
    const model = await small();
    const { exitCode, stderr } = await run('rm', 'tiny.gguf');
    expect(stderr).toBe('mtad: Nobody can be asked whether that is meant: add --yes\n');
    expect({ exitCode, isThere: existsSync(model) }).toEqual({ exitCode: 2, isThere: true });
  });
});

test('the Tab key completes the names of models', async () => {
  await small();
  await tinyModel(dirname(join(folder, SMALL)), {}, 'other.gguf');
  const env = { MTAD_MODELS_DIR: folder };
  for (const words of [
    ['rm', ''],
    ['-m', ''],
    ['chat', '--draft', ''],
  ]) {
    const { stdout } = await runInProcess(['complete', '--', ...words], { env });
    expect(stdout.split(/\t?\n/)).toEqual(expect.arrayContaining(['other.gguf', 'tiny.gguf']));
  }
});
