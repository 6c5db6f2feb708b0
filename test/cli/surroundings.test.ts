/** Commands where a system lacks what nearly all have: a name and a home for the user, a folder to be in. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EMBEDDED_PAIR } from '../../src/models/resolve.js';
import { CLEAN, type Ended, MTAD, oneAfterAnother } from '../support/cli.js';
import { splitModel } from '../support/gguf-files.js';
import { Hub } from '../support/hub.js';
import { runInProcess } from '../support/run-in-process.js';
import { firstOf, inFull } from '../support/tries.js';

const GONE = 'mtad: The folder that you are in is gone; change to another one and run the same command again';

let folder: string;
let hub: Hub;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mtad-surroundings-')); // only its owner may look into it
  hub = await Hub.open();
  hub.files.set('a/b/c-Q4_K_M.gguf', await readFile(EMBEDDED_PAIR.draft));
});
afterAll(async () => {
  await hub.close();
  await rm(folder, { recursive: true });
});

// Only root can become a user without a name.
describe.runIf(process.getuid?.() === 0)('a user without a name', () => {
  async function nobody(HOME: string | undefined, ...commandLines: readonly (readonly string[])[]) {
    const { stdout } = await execa(process.execPath, oneAfterAnother(...commandLines), {
      uid: 54321,
      gid: 54321,
      stdin: 'ignore',
      cwd: '/',
      env: {
        ...CLEAN,
        HF_ENDPOINT: hub.endpoint,
        HOME,
        MTAD_CONFIG: undefined,
        XDG_CACHE_HOME: undefined,
        XDG_CONFIG_HOME: undefined,
        HF_HOME: undefined,
      } as NodeJS.ProcessEnv,
    });
    return JSON.parse(stdout) as Ended[];
  }

  test.concurrent('and without a home: every command works', async () => {
    const ends = await nobody(
      undefined,
      ['--help'],
      ['inspect'],
      ['config'],
      ['pairs'],
      ['complete', 'bash'],
      ['-n', '3', '--engine', 'bindings', 'Once upon'],
      ['benchmark', '--limit', '1', '-n', '4', '--strategies', 'autoregressive'],
    );
    for (const end of ends) expectWork(end);
  });

  const HOMES: readonly (readonly [what: string, home: () => string | undefined])[] = [
    ['a home that nobody else may look into', () => folder],
    ['no home', () => undefined],
    ["root's home", () => '/'],
  ];
  test.concurrent.each(firstOf(1, HOMES))(
    'and with %s: text is generated, and a download asks where to put it',
    async (_, home) => {
      const [text, pull] = await nobody(home(), ['-n', '3', 'Once upon'], ['pull', '-q', 'hf:a/b']);
      expectWork(text!);
      expect(pull!.stderr).toMatch(
        /^mtad: Cannot write to [^\n]*models \(EACCES\); choose .* --models-dir\n$/,
      );
      expect(pull!.exitCode).toBe(3);
    },
  );

  function expectWork({ args, exitCode, stdout, stderr }: Ended): void {
    expect(stderr).not.toMatch(/Error|EACCES| {4}at /);
    expect({ args, exitCode, isEmpty: stdout === '' }).toEqual({ args, exitCode: 0, isEmpty: false });
  }
});

test('an empty HOME is none: settings and models do not lie in the working folder', async () => {
  const env = { HOME: '', MTAD_CONFIG: undefined, XDG_CONFIG_HOME: undefined, XDG_CACHE_HOME: undefined };
  const { stdout } = await execa(
    process.execPath,
    oneAfterAnother(['config', '--path'], ['config', '--json']),
    { cwd: folder, env: { ...CLEAN, ...env } as NodeJS.ProcessEnv },
  );
  const [settings, all] = JSON.parse(stdout) as Ended[];
  expect(settings!.stdout).toMatch(/^\//);
  expect(JSON.parse(all!.stdout).settings.models_dir.value).toMatch(/^\//);
});

describe('a working folder that is gone', () => {
  const inGone = `gone=$(mktemp -d "$GONE/gone-XXXXXX") && cd "$gone" && rmdir "$gone" && exec "$0" "$@"`;
  const gone = (...args: readonly string[]) =>
    execa('sh', ['-c', inGone, process.execPath, ...args], {
      stdin: 'ignore',
      reject: false,
      env: { ...CLEAN, GONE: folder } as NodeJS.ProcessEnv,
    });

  test.concurrent('one line that says so, exit code 2, but for what needs no folder', async () => {
    const { stdout } = await gone(
      ...oneAfterAnother(
        ['-n', '3', 'Once'],
        ['-o', 'out.txt', 'Once'],
        ['chat'],
        ['inspect'],
        ['pull', 'hf:a/b'],
        ['--help'],
        ['config'],
      ),
    );
    const ends = JSON.parse(stdout) as Ended[];
    for (const end of ends.slice(0, 5))
      expect(end).toEqual({ args: end.args, exitCode: 2, stdout: '', stderr: `${GONE}\n` });
    for (const end of ends.slice(5)) expect(end).toMatchObject({ exitCode: 0, stderr: '' });
  });

  inFull('a process of its own says the same', async () => {
    const { exitCode, stdout, stderr } = await gone(...MTAD, '-n', '3', 'Once');
    expect({ exitCode, stdout, stderr }).toEqual({ exitCode: 2, stdout: '', stderr: GONE });
  });
});

test('a part of a model that is missing: its name, exit code 3', async () => {
  const [first, second] = (await splitModel(folder)) as [string, string];
  await rm(second);
  for (const args of [
    ['-m', first, '--strategy', 'autoregressive', 'x'],
    ['inspect', first],
  ]) {
    const { exitCode, stderr } = await runInProcess(args);
    expect(stderr).toMatch(
      /^mtad: [^\n]*split-00001-of-00002\.gguf is one of 2 parts of a model, and beside it is no split-00002-of-00002\.gguf; [^\n]*\n$/,
    );
    expect(exitCode).toBe(3);
  }
});
