import { once } from 'node:events';
import { chmod, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createCommand, settableNames } from '../../src/cli/command.js';
import { COMMANDS } from '../../src/cli/commands/index.js';
import { STRATEGY_NAMES } from '../../src/strategies/index.js';
import { BIN } from '../support/cli.js';
import { ioInMemory, runInProcess } from '../support/run-in-process.js';

/** What the shell finds as mtad asks this process, which answers at once; a process of its own has to start first. */
const ASKING = (port: number) => `#!/bin/bash
exec 3<>/dev/tcp/127.0.0.1/${port}
printf '%s\\0' $# "$@" >&3
cat <&3
`;
const STARTING = `#!/bin/sh\nexec "${process.execPath}" "${BIN}" "$@"\n`;

let folder: string;
let server: Server;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mtad-completion-'));
  server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  await install(ASKING((server.address() as AddressInfo).port));
  await writeFile(join(folder, 'complete.bash'), (await runInProcess(['complete', 'bash'])).stdout);
});
afterAll(async () => {
  server.close();
  await rm(folder, { recursive: true });
});

async function install(script: string): Promise<void> {
  await writeFile(join(folder, 'mtad'), script);
  await chmod(join(folder, 'mtad'), 0o755);
}

/** Runs a command line that comes as the number of its words and then the words, each with a zero byte behind it. */
function answer(socket: Socket): void {
  let asked = '';
  socket.on('data', async (chunk) => {
    asked += chunk;
    const [count, ...words] = asked.split('\0').slice(0, -1);
    if (count === undefined || words.length < Number(count)) return;
    socket.end((await runInProcess(words, { env: { MTAD_CONFIG: '/no/such/file.toml' } })).stdout);
  });
}

/** What a real bash, with our script read, says of the last of the words, when it has completed it; they are as it splits them. */
async function bash(shown: string, words: readonly string[]): Promise<string[]> {
  const script = `
    . ./complete.bash
    compopt() { files=$*; } # bash's own works only while the Tab key is served
    COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1))
    _mtad_complete
    ${shown}`;
  const { stdout } = await execa('bash', ['--norc', '-c', script, 'bash', ...words], {
    env: { PATH: `${folder}${delimiter}${process.env.PATH}`, MTAD_CONFIG: '/no/such/file.toml' },
    cwd: folder,
  });
  return stdout === '' ? [] : stdout.split('\n');
}

const completed = (...words: string[]) =>
  bash(`for reply in "\${COMPREPLY[@]}"; do echo "$reply"; done`, words);

test('an empty word becomes any command', async () => {
  const answered = await completed('mtad', '');
  expect(answered).toEqual(expect.arrayContaining([...COMMANDS.keys()]));
  await install(STARTING);
  expect(await completed('mtad', '')).toEqual(answered);
  await install(ASKING((server.address() as AddressInfo).port));
});

test('every visible option of every command is offered', async () => {
  for (const command of settableNames(COMMANDS)) {
    const { options } = await createCommand(command, ioInMemory(), COMMANDS);
    const visible = options.filter(({ hidden }) => !hidden).map(({ long }) => long);
    const offered = await completed('mtad', command, '--');
    expect([...new Set(offered)].sort()).toEqual([...new Set([...visible, '--no-config', '--help'])].sort());
  }
});

test.each([
  [['mtad', 'ben'], ['benchmark']],
  [['mtad', '--strategy', ''], [...STRATEGY_NAMES]],
  [['mtad', '--strategy', '=', 'sp'], ['speculative']],
  [['mtad', '--strategy', '='], [...STRATEGY_NAMES]],
  [['mtad', 'benchmark', '--strategies', 'mm'], ['mmtad']],
  [['mtad', 'benchmark', '--strategies', 'mtad,sp'], ['mtad,speculative']],
  [['mtad', 'benchmark', '--strategies', '=', 'mtad,sp'], ['mtad,speculative']],
  [['mtad', '--engine', 'd'], ['direct']],
  [['mtad', '--gpu', 'c'], ['cuda']],
  [['mtad', 'generate', '--cache-type', 'q8'], ['q8_0']],
  [
    ['mtad', 'benchmark', '--color', ''],
    ['auto', 'always', 'never'],
  ],
  [['mtad', 'config', 'bench'], ['benchmark']],
  [['mtad', 'config', 'benchmark', '--strat'], ['--strategies']],
  [['mtad', 'complete', 'f'], ['fish']],
  [['mtad', '--pair', 'llama-3.1'], ['llama-3.1-8b']],
  [['mtad', '-m', ''], []],
])('%j becomes %j', async (words, replies) => {
  expect(await completed(...words)).toEqual(replies);
});

test('Tab runs nothing that a prompt holds, and writes to no file', async () => {
  const words = ['mtad', '"$(touch ran)"', '`touch ran`', ';', 'touch', 'ran', '>', 'written', '--thr'];
  expect(await completed(...words)).toEqual(['--threshold', '--threads']);
  expect(await readdir(folder)).toEqual(['complete.bash', 'mtad']);
});

test.each([[['mtad', 'Once', '>', '']], [['mtad', 'Once', '2', '>>', 'a']], [['mtad', '--json', '<', 'p']]])(
  '%j: the file of a redirection is left to the shell',
  async (words) => {
    expect(await bash(`echo "\${COMPREPLY[*]}, \${files:-files}"`, words)).toEqual([', files']);
  },
);

test('a quoted > in a prompt is no redirection', async () => {
  expect(await completed('mtad', '"a > b"', '--thre')).toEqual(['--threshold', '--threads']);
});

test('files are left to the shell where an option takes one, and only there', async () => {
  const directive = async (...words: string[]) =>
    (await runInProcess(['complete', '--', ...words])).stdout.trimEnd().split('\n').at(-1);
  for (const option of ['-m', '--draft', '-f', '--models-dir', '--output'])
    expect(await directive(option, '')).toBe(':0');
  for (const words of [
    ['--model='],
    ['--model=gg'],
    ['inspect', ''],
    ['inspect', 'a.gguf', ''],
    ['inspect', '--json', ''],
  ])
    expect(await directive(...words)).toBe(':0');
  for (const words of [
    ['--threads', ''],
    ['--threads='],
    ['inspect', '--gpu', ''],
    ['inspect', '--'],
    ['pull', ''],
    ['-p', 'inspect', ''],
  ])
    expect(await directive(...words)).toBe(':4');
});

test('each line is a value, a tab and one line about it', async () => {
  const { stdout, stderr } = await runInProcess(['complete', '--', 'benchmark', '--']);
  expect(stdout).toMatch(/^(--[a-z-]+\t[^\n\t]*\n)+:4\n$/);
  expect(stderr).toBe('');
});

test.each(['bash', 'zsh', 'fish', 'powershell'])('%s gets a script that calls the command', async (shell) => {
  const { exitCode, stdout, stderr } = await runInProcess(['complete', shell]);
  expect(stdout).toContain('mtad complete ');
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
});

test.each([[[]], [['tcsh']], [['bash', 'zsh']]])('complete %j: exit code 2, no script', async (args) => {
  expect(await runInProcess(['complete', ...args])).toMatchObject({ exitCode: 2, stdout: '' });
});
