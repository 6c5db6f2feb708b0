import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { beforeAll, expect, test } from 'vitest';
import { mtad, saying } from '../support/cli.js';
import { runInProcess } from '../support/run-in-process.js';
import { firstOf } from '../support/tries.js';

/** A text that would take minutes. */
const ENDLESS = ['--ignore-eos', '-n', '9000', '-c', '9100', '--seed', '7', '-q', 'Once upon a time'];

let whole: string; // its beginning
beforeAll(async () => {
  whole = (await runInProcess([...ENDLESS, '-n', '300'])).stdout;
});

const SIGNALS = [
  ['SIGTERM', 143],
  ['SIGINT', 130],
  ['SIGHUP', 129],
] as const;
// Each day the one that no other test of this file sends.
test.each(firstOf(1, SIGNALS))('%s while decoding: the text so far, exit code %i', async (signal, code) => {
  const run = mtad(ENDLESS);
  await saying(run.stdout, /.{40}/);
  run.kill(signal);
  const { exitCode, stdout, stderr } = await run;
  expect({ exitCode, stderr }).toEqual({ exitCode: code, stderr: '' });
  expect(whole.startsWith(stdout.slice(0, whole.length))).toBe(true);
  expect(stdout.length).toBeGreaterThan(40);
});

test('SIGHUP twice, as of a closed terminal: a file, its trace and JSON are complete', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'mtad-hangup-'));
  const [file, trace] = [join(folder, 'text.json'), join(folder, 'trace.jsonl')];
  const run = mtad([...ENDLESS, '--json', '-o', file, '--trace', trace]);
  while (!(await readFile(trace, 'utf8').catch(() => '')).includes('"step"')) await setTimeout(20);
  run.kill('SIGHUP');
  run.kill('SIGHUP');
  const { exitCode, stdout, stderr } = await run;
  expect({ exitCode, stdout, stderr }).toEqual({ exitCode: 129, stdout: '', stderr: '' });
  const { text, finish_reason } = JSON.parse(await readFile(file, 'utf8'));
  expect({ finish_reason, isEmpty: text === '' }).toEqual({ finish_reason: 'interrupted', isEmpty: false });
  expect((await readFile(trace, 'utf8')).endsWith('}\n')).toBe(true);
  await rm(folder, { recursive: true });
});

test('SIGINT while the prompt is read: JSON says interrupted', async () => {
  const run = mtad(['--jsonl', '-c', '30000', '-n', '10'], { input: 'word '.repeat(8000) });
  await saying(run.stdout, /"start"/);
  run.kill('SIGINT');
  const { exitCode, stdout } = await run;
  const end = JSON.parse(stdout.trim().split('\n').at(-1)!);
  expect(end).toMatchObject({ type: 'end', finish_reason: 'interrupted', text: '', tokens: [] });
  expect(exitCode).toBe(130);
});

test('SIGINT while standard input is awaited ends at once', async () => {
  const run = mtad(['A prompt'], { stdin: 'pipe' });
  await saying(run.stderr, /\n/); // that it waits
  run.kill('SIGINT');
  const { exitCode, stdout, stderr } = await run;
  expect({ exitCode, stdout }).toEqual({ exitCode: 130, stdout: '' });
  expect(stderr).toMatch(/^mtad: waiting for standard input[^\n]*\n$/);
});

test('a second SIGINT ends a process that does not come to an end', async () => {
  const module = fileURLToPath(new URL('../../dist/cli/interrupts.js', import.meta.url));
  const script = `import { Interrupts } from ${JSON.stringify(module)}; new Interrupts(); setInterval(() => {}, 1000); console.log('ready');`;
  const run = execa(process.execPath, ['--input-type=module', '--eval', script], { reject: false });
  await saying(run.stdout, /ready/);
  run.kill('SIGINT');
  void setTimeout(200).then(() => run.kill('SIGINT'));
  const { signal } = await run;
  expect(signal).toBe('SIGINT');
});
