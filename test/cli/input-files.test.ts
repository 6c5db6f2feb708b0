import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readCommandLine } from '../../src/cli/command-line.js';
import { ioInMemory } from '../support/run-in-process.js';

let folder: string;
const home = process.cwd();
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mtad-inputs-'));
  process.chdir(folder);
  await writeFile('mine', 'precious');
});
afterAll(async () => {
  process.chdir(home);
  await rm(folder, { recursive: true });
});

const READ = [
  ['-m', 'mine'],
  ['-d', 'mine'],
  ['--chat-template-file', 'mine'],
  ['--chat-template-file=~/mine'],
];
const READ_BY_GENERATE = [
  ['-f', 'mine'],
  ['-sysf', 'mine'],
  ['--system-prompt-file=mine'],
  ['--grammar', 'mine'],
  ['--json-schema', 'mine'],
];
const READ_BY_BENCHMARK = [
  ['--prompts', 'mine'],
  ['--compare', 'mine'],
];
const WRITTEN = ['-o', '--trace'];
const EXPORTS = ['--export-md', '--export-csv', '--export-json', '--export-jsonl', '--report'];

test.each([
  ...[...READ, ...READ_BY_GENERATE].flatMap((read) =>
    WRITTEN.map((written) => [...read, written, './mine', 'Once']),
  ),
  ...[...READ, ...READ_BY_BENCHMARK].flatMap((read) =>
    EXPORTS.map((written) => ['benchmark', ...read, written, './mine']),
  ),
])('%s %s %s %s %s: a file that is read is not overwritten', async (...args) => {
  const { program, args: ours } = await readCommandLine(args, ioInMemory({ HOME: folder }));
  await expect(program.parseAsync([...ours], { from: 'user' })).rejects.toThrow(
    'Cannot write ./mine: the same file is also read',
  );
  expect(await readdir('.')).toEqual(['mine']);
  expect(await readFile('mine', 'utf8')).toBe('precious');
});
