import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { mtad, saying } from '../support/cli.js';
import { runInProcess } from '../support/run-in-process.js';
import { firstOf } from '../support/tries.js';

let folder: string;
let input: string;
let whole: string[]; // the texts of a run that nobody interrupts
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mtad-batch-interrupt-'));
  input = join(folder, 'in.jsonl');
  const lines = Array.from({ length: 30 }, (_, i) => JSON.stringify({ id: i, prompt: `Story ${i}: Once` }));
  await writeFile(input, `${lines.join('\n')}\n`);
  const { stdout } = await runInProcess([...ARGS, input, '-q']);
  whole = stdout
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line).text);
});
afterAll(() => rm(folder, { recursive: true }));

const ARGS = ['batch', '--gpu', 'off', '--threads', '1', '--seed', '1', '-n', '24'];
const linesIn = async (path: string) => (await readFile(path, 'utf8')).split('\n').slice(0, -1);
const textsIn = async (path: string) => (await linesIn(path)).map((line) => JSON.parse(line));

/** Resolves once the file has something. */
async function filled(path: string): Promise<void> {
  while ((await stat(path).catch(() => undefined))?.size === undefined || (await stat(path)).size === 0)
    await new Promise((resolve) => setTimeout(resolve, 5));
}

const SIGNALS = [
  ['SIGINT', 130],
  ['SIGKILL', undefined],
] as const;
test.each(firstOf(1, SIGNALS))(
  '%s: whole texts are kept, and --resume does the rest',
  async (signal, code) => {
    const output = join(folder, `${signal}.jsonl`);
    const run = mtad([...ARGS, input, '-o', output]);
    await filled(output);
    run.kill(signal);
    const { exitCode, stdout, stderr } = await run;
    expect({ exitCode, stdout }).toEqual({ exitCode: code, stdout: '' });
    const kept = (await linesIn(output)).length;
    expect(kept).toBeGreaterThan(0);
    expect(kept).toBeLessThan(30);
    if (signal === 'SIGINT')
      expect(stderr).toBe(
        `mtad: interrupted: ${kept} of 30 texts are written; --resume does the rest\n` +
          `mtad: ${kept} texts were cut, by --max-tokens 24 or a full context\n`,
      );

    const before = await linesIn(output);
    const rest = await runInProcess([...ARGS, input, '-o', output, '--resume', '-q']);
    expect(rest).toMatchObject({ exitCode: 0, stdout: '', stderr: '' });
    expect((await linesIn(output)).slice(0, kept)).toEqual(before);
    const texts = await textsIn(output);
    expect(texts.map(({ id }) => id)).toEqual(Array.from({ length: 30 }, (_, i) => i));
    expect(texts.map(({ text }) => text)).toEqual(whole);
  },
);

test('Ctrl-C ends a wait for more inputs; what came is answered at once', async () => {
  const run = mtad([...ARGS, '-q'], { stdin: 'pipe' });
  run.stdin!.write('{"id": "a", "prompt": "Once"}\n');
  await saying(run.stdout, /"id":"a".*\n/);
  run.kill('SIGINT');
  const { exitCode, stderr } = await run;
  expect(stderr).toBe('mtad: interrupted: 1 texts are written\n');
  expect(exitCode).toBe(130);
});

test('a reader that leaves ends the run, without a word', async () => {
  const run = mtad([...ARGS, input, '-q']);
  await saying(run.stdout, /\n/);
  run.stdout.destroy();
  const { exitCode, stderr } = await run;
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
});

test('a full disk ends the run: exit code 1', async () => {
  const { exitCode, stderr } = await runInProcess([...ARGS, input, '-q', '-o', '/dev/full']);
  expect(stderr).toBe(
    'mtad: Cannot write /dev/full: ENOSPC: no space left on device, write (-v tells more)\n',
  );
  expect(exitCode).toBe(1);
});

test('a bar shows on a terminal how far it is', async () => {
  const output = join(folder, 'seen.jsonl');
  const terminal = { isTTY: true, input: '' };
  const { stderr, exitCode } = await runInProcess([...ARGS, input, '-o', output], terminal);
  expect(exitCode).toBe(0);
  expect(stderr).toMatch(/[█░]+ \d+\/30 texts, [^\n]* left/);
  expect(stderr).toMatch(/mtad: 30 texts, \d+ tokens in [\d.]+ s\n/);
});
