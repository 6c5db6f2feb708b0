/** Commands where a system lacks what nearly all have: a name and a home for the user, a folder to be in. */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EMBEDDED_PAIR } from '../../src/models/resolve.js';
import { CLEAN, MTAD, MTAD_IN_SHELL, mtad } from '../support/cli.js';
import { splitModel } from '../support/gguf-files.js';
import { Hub } from '../support/hub.js';

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
  const nobody = (args: readonly string[], HOME: string | undefined) =>
    execa(process.execPath, [...MTAD, ...args], {
      uid: 54321,
      gid: 54321,
      stdin: 'ignore',
      reject: false,
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

  const homes: [what: string, home: () => string | undefined][] = [
    ['no home', () => undefined],
    ["root's home", () => '/'],
    ['a home that nobody else may look into', () => folder],
  ];

  test.concurrent.each([
    [['--help']],
    [['inspect']],
    [['config']],
    [['pairs']],
    [['complete', 'bash']],
    [['-n', '3', '--engine', 'bindings', 'Once upon']],
    [['benchmark', '--limit', '1', '-n', '4', '--strategies', 'autoregressive']],
  ])('and without a home: mtad %j works', async (args) => {
    expectsWork(await nobody(args, undefined));
  });

  test.concurrent.each(homes)('and with %s: text is generated', async (_, home) => {
    expectsWork(await nobody(['-n', '3', 'Once upon'], home()));
  });

  test.concurrent.each(homes)('and with %s: a download asks where to put it', async (_, home) => {
    const { exitCode, stderr } = await nobody(['pull', '-q', 'hf:a/b'], home());
    expect(stderr).toMatch(/^mtad: Cannot write to [^\n]*models \(EACCES\); choose .* --models-dir$/);
    expect(exitCode).toBe(3);
  });

  function expectsWork({ exitCode, stdout, stderr }: Awaited<ReturnType<typeof nobody>>): void {
    expect(stderr).not.toMatch(/Error|EACCES| {4}at /);
    expect({ exitCode, isEmpty: stdout === '' }).toEqual({ exitCode: 0, isEmpty: false });
  }
});

test('an empty HOME is none: settings and models do not lie in the working folder', async () => {
  const env = { HOME: '', MTAD_CONFIG: undefined, XDG_CONFIG_HOME: undefined, XDG_CACHE_HOME: undefined };
  const [settings, all] = await Promise.all(
    [['--path'], ['--json']].map((args) => mtad(['config', ...args], { env, cwd: folder })),
  );
  expect(settings!.stdout).toMatch(/^\//);
  expect(JSON.parse(all!.stdout).settings.models_dir.value).toMatch(/^\//);
});

describe('a working folder that is gone', () => {
  const gone = (args: string) =>
    execa(
      'sh',
      [
        '-c',
        `gone=$(mktemp -d '${folder}/gone-XXXXXX') && cd "$gone" && rmdir "$gone" && exec ${MTAD_IN_SHELL} ${args}`,
      ],
      {
        stdin: 'ignore',
        reject: false,
        env: CLEAN as NodeJS.ProcessEnv,
      },
    );

  test.concurrent.each(['-n 3 Once', '-o out.txt Once', 'chat', 'inspect', 'pull hf:a/b'])(
    'mtad %s: one line that says so, exit code 2',
    async (args) => {
      const { exitCode, stdout, stderr } = await gone(args);
      expect(stderr).toBe(
        'mtad: The folder that you are in is gone; change to another one and run the same command again',
      );
      expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    },
  );

  test.concurrent.each(['--help', 'config'])('mtad %s works', async (args) => {
    const { exitCode, stderr } = await gone(args);
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  });
});

test('a part of a model that is missing: its name, exit code 3', async () => {
  const [first, second] = (await splitModel(folder)) as [string, string];
  await rm(second);
  for (const args of [
    ['-m', first, '--strategy', 'autoregressive', 'x'],
    ['inspect', first],
  ]) {
    const { exitCode, stderr } = await mtad(args);
    expect(stderr).toMatch(
      /^mtad: [^\n]*split-00001-of-00002\.gguf is one of 2 parts of a model, and beside it is no split-00002-of-00002\.gguf; [^\n]*\n$/,
    );
    expect(exitCode).toBe(3);
  }
});
