import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { COMMANDS } from '../../src/cli/commands/index.js';
import { STRATEGY_NAMES } from '../../src/strategies/index.js';
import { CLEAN, type Ended, mtadOnTerminal, oneAfterAnother } from '../support/cli.js';
import { runInProcess } from '../support/run-in-process.js';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mtad-help-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** How command lines end in one process, and the modules that it loaded, as the coverage that V8 writes names them. */
async function modulesLoadedBy(commandLines: readonly (readonly string[])[]) {
  const env = { ...CLEAN, NODE_V8_COVERAGE: folder } as NodeJS.ProcessEnv;
  const { stdout } = await execa(process.execPath, oneAfterAnother(...commandLines), {
    stdin: 'ignore',
    env,
  });
  const files = await readdir(folder);
  const reports = await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')));
  const loaded = reports.flatMap((report) => JSON.parse(report).result as { url: string }[]);
  return { ends: JSON.parse(stdout) as Ended[], modules: loaded.map(({ url }) => url) };
}

/** Command lines that need no model. */
const QUICK = [
  ['--help'],
  ['--version'],
  ['--threshold', '0', 'A prompt'],
  ['benchmark', '--help'],
  ['config', '--pair', 'llama-3.1-8b'],
  ['complete', 'bash'],
  ['complete', '--', 'benchmark', '--'],
  ['benchmark', '--output', '/no/such/folder/a.json'],
  ['benchmark', '--prompts', 'gguf/README.md'],
  ['benchmark', '--replay', 'gguf/README.md'],
  ['pull', '--help'],
  ['pull', '--offline', 'hf:user/repo'],
  ['--url', 'http://127.0.0.1:2', 'A prompt'],
];

test('help, versions, completions and refusals come without loading the native library', async () => {
  const { ends, modules } = await modulesLoadedBy(QUICK);
  expect(ends.map(({ args }) => args)).toEqual(QUICK);
  for (const { stdout, stderr } of ends) expect(stdout + stderr).not.toBe('');
  expect(modules.some((url) => url.includes('/commander/'))).toBe(true);
  expect(modules.filter((url) => url.includes('/node-llama-cpp/'))).toEqual([]);
});

test('--help goes to standard output and names every group of options', async () => {
  const { exitCode, stdout, stderr } = await runInProcess(['--help']);
  for (const group of ['Models:', 'Prompt:', 'Decoding:', 'Runtime:', 'Output:'])
    expect(stdout).toContain(group);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
});

test('--help names every strategy', async () => {
  const { stdout } = await runInProcess(['--help']);
  const [description] = /--strategy <name>[\s\S]*?--draft-length/.exec(stdout)!;
  for (const name of STRATEGY_NAMES) expect(description).toMatch(new RegExp(`\\b${name}\\s+\\(`));
});

test('help as a word is help', async () => {
  expect((await runInProcess(['help'])).stdout).toBe((await runInProcess(['--help'])).stdout);
});

test('--help mentions every command, and benchmark, whose own help names every group and strategy', async () => {
  const { stdout: help } = await runInProcess(['--help']);
  for (const name of COMMANDS.keys())
    expect(help).toContain(`mtad ${name === 'generate' ? '[generate]' : name} `);
  const { exitCode, stdout, stderr } = await runInProcess(['benchmark', '--help']);
  for (const group of ['Models:', 'What to compare', 'Prompts:', 'Sampling', 'Runtime:', 'Output:'])
    expect(stdout).toContain(group);
  for (const name of STRATEGY_NAMES) expect(stdout).toMatch(new RegExp(`--strategies[^-]*\\b${name}\\b`));
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
});

test('help and the name of a command', async () => {
  const { stdout } = await runInProcess(['benchmark', '--help']);
  expect((await runInProcess(['help', 'benchmark'])).stdout).toBe(stdout);
  expect((await runInProcess(['benchmark', 'help'])).stdout).toBe(stdout);
  expect((await runInProcess(['help', 'generate'])).stdout).toBe((await runInProcess(['--help'])).stdout);
  expect((await runInProcess(['help', 'learn'])).stdout).toContain('mtad learn');
});

test('help says once how settings come from elsewhere', async () => {
  for (const command of [[], ['benchmark']]) {
    const { stdout } = await runInProcess([...command, '--help']);
    expect(stdout.match(/MTAD_\w+/g)).toEqual(['MTAD_DRAFT_LENGTH']);
  }
});

test('--version is that of the package', async () => {
  const { version } = JSON.parse(await readFile(new URL('../../package.json', import.meta.url), 'utf8'));
  expect((await runInProcess(['--version'])).stdout).toBe(`${version}\n`);
});

test('a terminal and no prompt: every command and three examples on half a screen, exit code 2', async () => {
  const { exitCode, stdout } = await mtadOnTerminal([]);
  const lines = stdout.replaceAll('\r', '').trimEnd().split('\n');
  expect(lines[0]).toBe('Usage: mtad [options] [prompt...]');
  for (const name of [...COMMANDS.keys()].slice(1))
    expect(stdout).toMatch(new RegExp(`^  mtad ${name} .*[a-z]`, 'm'));
  const examples = lines.slice(lines.indexOf('Examples:') + 1, lines.lastIndexOf(''));
  expect(examples.map((line) => /^ {2}mtad ./.test(line))).toEqual([true, true, true]);
  expect(lines.at(-1)).toBe('mtad --help lists the options.');
  expect(lines.length).toBeLessThan(24);
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
  expect(exitCode).toBe(2);
  const { stderr, stdout: nothing } = await runInProcess([], { isTTY: true });
  expect({ stderr, nothing }).toEqual({ stderr: `${lines.join('\n')}\n`, nothing: '' });
});

test('no terminal and no prompt: one line, exit code 2', async () => {
  const { exitCode, stdout, stderr } = await runInProcess([]);
  expect(stderr).toMatch(/^mtad: No prompt[^\n]*\n$/);
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
});
