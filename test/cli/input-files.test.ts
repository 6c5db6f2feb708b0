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
  await writeFile('mine.md', 'precious');
});
afterAll(async () => {
  process.chdir(home);
  await rm(folder, { recursive: true });
});

const READ = [
  ['-m', 'mine.md'],
  ['-d', 'mine.md'],
  ['--chat-template-file', 'mine.md'],
  ['--chat-template-file=~/mine.md'],
];
const READ_BY_GENERATE = [
  ['-f', 'mine.md'],
  ['-sysf', 'mine.md'],
  ['--system-prompt-file=mine.md'],
  ['--grammar', 'mine.md'],
  ['--json-schema', 'mine.md'],
];
const READ_BY_BENCHMARK = [
  ['--prompts', 'mine.md'],
  ['--compare', 'mine.md'],
];
const WRITTEN = ['-o', '--trace'];
const EXPORTS = ['--output', '--report'];

test.each([
  ...[...READ, ...READ_BY_GENERATE].flatMap((read) =>
    WRITTEN.map((written) => [...read, written, './mine.md', 'Once']),
  ),
  ...[...READ, ...READ_BY_BENCHMARK].flatMap((read) =>
    EXPORTS.map((written) => ['benchmark', ...read, written, './mine.md']),
  ),
])('%s %s %s %s %s: a file that is read is not overwritten', async (...args) => {
  const { program, args: ours } = await readCommandLine(args, ioInMemory({ HOME: folder }));
  await expect(program.parseAsync([...ours], { from: 'user' })).rejects.toThrow(
    'Cannot write ./mine.md: the same file is also read',
  );
  expect(await readdir('.')).toEqual(['mine.md']);
  expect(await readFile('mine.md', 'utf8')).toBe('precious');
});
