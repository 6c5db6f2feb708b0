import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters as bare } from 'node:util';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Interrupts } from '../../src/cli/interrupts.js';
import { SILENT } from '../../src/cli/render/progress.js';
import { writeText } from '../../src/cli/write-text.js';
import { ResourceError } from '../../src/errors.js';
import { parseSettings } from '../../src/generation/parse-settings.js';
import { loadPair } from '../../src/models/pair.js';
import { CLEAN, MTAD, MTAD_IN_SHELL, mtadOnTerminal } from '../support/cli.js';
import { faultyPair } from '../support/faulty-pair.js';
import { KINDS } from '../support/representatives.js';
import { ioInMemory, runInProcess } from '../support/run-in-process.js';
import { inFull } from '../support/tries.js';
import { withoutStruck } from '../support/without-struck.js';

const STORY = ['Once upon a time', '--seed', '5', '-n', '24'];
const CUT = 'mtad: the text was cut at --max-tokens 24; raise it for more\n';

let folder: string;
let text: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mtad-output-'));
  text = (await runInProcess(STORY)).stdout;
});
afterAll(() => rm(folder, { recursive: true }));

test('standard output carries the text and nothing else', async () => {
  const { stdout, stderr, exitCode } = await runInProcess([...STORY, '--stats', '-v']);
  expect(stdout).toBe(text);
  expect(stdout).toMatch(/^, /);
  expect(stderr).toContain('tokens/s');
  expect(exitCode).toBe(0);
});

test('standard error says without a terminal that a text was cut, and nothing else', async () => {
  expect((await runInProcess(STORY)).stderr).toBe(CUT);
  const [full, onTerminal, quiet, ended] = await Promise.all([
    runInProcess([...STORY, '-n', '80', '-c', '32']),
    runInProcess([...STORY, '--no-stats', '-o', join(folder, 'cut.txt')], { isTTY: true, input: '' }),
    runInProcess([...STORY, '-q']),
    runInProcess([...STORY, '--stop', 'a']),
  ]);
  expect(full.stderr).toBe('mtad: the text was cut: the context of 32 tokens is full; raise --ctx-size\n');
  expect(onTerminal.stderr.endsWith(CUT)).toBe(true);
  expect([quiet.stderr, ended.stderr]).toEqual(['', '']);
});

test.each(KINDS)('%s: --temperature 0 writes the known beginning', async (strategy) => {
  const { stdout } = await runInProcess([
    'Once upon a time',
    '--strategy',
    strategy,
    '--temperature',
    '0',
    '-n',
    '12',
  ]);
  expect(stdout).toMatch(/^, there was a little girl named Lily\./);
});

test('--no-stream gives the same text', async () => {
  expect((await runInProcess([...STORY, '--no-stream'])).stdout).toBe(text);
});

test('--json is one object with every key', async () => {
  const { stdout, stderr } = await runInProcess([...STORY, '--json']);
  const result = JSON.parse(stdout);
  expect(stderr).toBe(CUT);
  expect(stdout.endsWith('}\n')).toBe(true);
  expect(result).toMatchObject({
    schema: 1,
    text,
    finish_reason: 'length',
    strategy: 'mtad',
    engine: 'direct',
    prompt_tokens: 5,
    completion_tokens: 24,
    params: {
      strategy: 'mtad',
      draft_length: 4,
      beam_width: 4,
      threshold: 0.5,
      clip: false,
      draft_from: 'model',
      temperature: 1,
      top_k: 10,
      top_p: 0.9,
      seed: 5,
      max_tokens: 24,
    },
    versions: { node: process.versions.node, node_llama_cpp: '3.21.1' },
  });
  expect(Object.keys(result)).toEqual([
    'schema',
    'text',
    'reasoning',
    'tokens',
    'finish_reason',
    'grammar_complete',
    'strategy',
    'engine',
    'device',
    'model',
    'draft',
    'prompt_tokens',
    'completion_tokens',
    'timing_ms',
    'tokens_per_second',
    'speculation',
    'perplexity',
    'quality',
    'repetition',
    'drift',
    'cache_check',
    'pass_costs',
    'remote',
    'params',
    'versions',
  ]);
  expect(Object.keys(result.timing_ms)).toEqual([
    'load',
    'prefill',
    'decode',
    'draft',
    'verify',
    'own',
    'first_token',
  ]);
  expect(result.tokens).toHaveLength(24);
  expect(result.perplexity).toBeGreaterThan(1);
  const { drafted, accepted, target_passes, block_efficiency, acceptance_rate, accepted_by_position } =
    result.speculation;
  expect(block_efficiency).toBeCloseTo(24 / target_passes);
  expect(acceptance_rate).toBeCloseTo(accepted / drafted);
  expect(accepted_by_position.reduce((a: number, b: number) => a + b)).toBe(accepted);
});

test('--jsonl: start, the text in pieces, end', async () => {
  const { stdout } = await runInProcess([...STORY, '--jsonl']);
  const events = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(events[0]).toMatchObject({ type: 'start', schema: 1, prompt_tokens: 5 });
  expect(events.at(-1)).toMatchObject({ type: 'end', text });
  const pieces = events.slice(1, -1);
  expect(pieces.length).toBeGreaterThan(1);
  expect(pieces.map((event) => event.text).join('')).toBe(text);
});

test('--trace records steps that add up to the text, and the rule that was applied', async () => {
  const file = join(folder, 'trace.jsonl');
  const { stdout } = await runInProcess([...STORY, '--json', '--trace', file]);
  const [start, ...steps] = (await readFile(file, 'utf8'))
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(start).toMatchObject({ type: 'start', schema: 1, strategy: 'mtad' });
  expect(steps.flatMap((step) => step.emitted)).toEqual(JSON.parse(stdout).tokens);
  expect(steps.flatMap((step) => step.emitted_text).join('')).toBe(JSON.parse(stdout).text);
  let position = start.prompt_tokens.length;
  for (const [index, step] of steps.entries()) {
    expect(step).toMatchObject({ type: 'step', index, position });
    expect(step.emitted.slice(0, step.accepted)).toEqual(step.draft.slice(0, step.accepted));
    expect(step.raw_log_p).toHaveLength(step.emitted.length);
    position += step.emitted.length;
    let ratio = 0;
    const passing = step.log_p.map((p: number | null, i: number) => {
      ratio += (p ?? Number.NEGATIVE_INFINITY) - step.log_q[i];
      return ratio >= Math.log(0.5);
    });
    expect(step.accepted).toBe(passing.lastIndexOf(true) + 1);
  }
});

test('--output writes the text there, and only there', async () => {
  const file = join(folder, 'text.txt');
  const { stdout, exitCode } = await runInProcess([...STORY, '-o', file]);
  expect({ exitCode, stdout }).toEqual({ exitCode: 0, stdout: '' });
  expect(await readFile(file, 'utf8')).toBe(text);
});

test('a full disk: exit code 1, and the text is on standard output', async () => {
  const { exitCode, stdout, stderr } = await runInProcess([...STORY, '-o', '/dev/full']);
  expect(stderr).toMatch(/^mtad: Cannot write \/dev\/full: ENOSPC/);
  expect(exitCode).toBe(1);
  expect(stdout).not.toBe('');
  expect(text.startsWith(stdout)).toBe(true);
});

test.each([['--json'], ['--no-stream'], ['--jsonl', '-n', '1']])(
  'a full disk and a text that goes out in one write (%s): exit code 1, and all of it is on standard output',
  async (...flags) => {
    const { exitCode, stdout, stderr } = await runInProcess([...STORY, ...flags, '-o', '/dev/full']);
    expect(stderr).toMatch(/^mtad: Cannot write \/dev\/full: ENOSPC[^\n]*\n$/);
    expect(exitCode).toBe(1);
    if (flags[0] === '--no-stream') expect(stdout).toBe(text);
    if (flags[0] === '--json') expect(JSON.parse(stdout)).toMatchObject({ text });
    if (flags[0] === '--jsonl') expect(JSON.parse(stdout.split('\n')[0]!)).toMatchObject({ type: 'start' });
  },
);

test('a limit on the size of files (ulimit -f): as a full disk', async () => {
  const args = [...STORY, '-n', '100', '--json', '-o', join(folder, 'limited.json')];
  const command = ['-c', 'ulimit -f 1; exec "$0" "$@" < /dev/null', process.execPath, ...MTAD, ...args];
  const run = await execa('bash', command, { reject: false, env: CLEAN as NodeJS.ProcessEnv });
  expect(run.stderr).toMatch(/^mtad: Cannot write [^\n]*limited\.json: EFBIG[^\n]*$/);
  expect(run.exitCode).toBe(1);
  expect(JSON.parse(run.stdout)).toMatchObject({ text: expect.stringMatching(/\w/) });
});

const FULL_DISK = { stdoutFile: '/dev/full' };

test('a full disk behind standard output: exit code 1, the reason, and the text on standard error', async () => {
  for (const flags of [['--json'], ['--no-stream']]) {
    const { exitCode, stderr } = await runInProcess([...STORY, ...flags], FULL_DISK);
    expect(stderr).toMatch(/\nmtad: Cannot write standard output: ENOSPC[^\n]*\n$/);
    expect(stderr.startsWith(text)).toBe(true);
    expect(exitCode).toBe(1);
  }
});

test.each([
  ['--help'],
  ['--version'],
  ['help', 'benchmark'],
  ['inspect', '--json'],
  ['inspect'],
  ['config'],
  ['pairs'],
  ['complete', 'bash'],
  ['complete', 'zsh'],
])('%s %s on a full disk: exit code 1 and the reason', async (...args) => {
  const { exitCode, stdout, stderr } = await runInProcess(args, FULL_DISK);
  expect(stderr).toMatch(/^mtad: Cannot write standard output: [^\n]*ENOSPC[^\n]*\n$/);
  expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
});

async function onFullDisk(...args: readonly string[]): Promise<string> {
  const command = ['-c', '"$0" "$@" < /dev/null > /dev/full', process.execPath, ...MTAD, ...args];
  const run = await execa('bash', command, { reject: false, env: CLEAN as NodeJS.ProcessEnv });
  const { exitCode, stdout, stderr } = run;
  expect(stderr).toMatch(/(^|\n)mtad: Cannot write standard output: [^\n]*ENOSPC[^\n]*$/);
  expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: '' });
  return stderr;
}

test('a process whose standard output is a full disk: the same', async () => {
  expect((await onFullDisk(...STORY, '--json')).startsWith(text)).toBe(true);
});

inFull('a process whose help goes to a full disk: the same', () => onFullDisk('--help').then(() => {}));

test('a reader that leaves early: silence and exit code 0', async () => {
  const command = `${MTAD_IN_SHELL} -q --ignore-eos -n 9000 -c 9100 "Once upon a time" < /dev/null | head -c 10; echo " \${PIPESTATUS[0]}"`;
  const { stdout, stderr } = await execa('bash', ['-c', command]);
  expect(stdout).toMatch(/^[\s\S]{10} 0$/);
  expect(stderr).toBe('');
});

const andCode = (command: string) =>
  execa('bash', ['-c', `${command}; echo "\${PIPESTATUS[0]}"`], { env: CLEAN as NodeJS.ProcessEnv });

test('a reader of help may leave early too', async () => {
  const { stdout, stderr } = await andCode(`${MTAD_IN_SHELL} --help | true`);
  expect({ stdout, stderr }).toEqual({ stdout: '0', stderr: '' });
});

test('a reader of the log may leave early too', async () => {
  const file = join(folder, 'kept.txt');
  const log = await andCode(
    `${MTAD_IN_SHELL} -v --seed 5 -n 24 -o "${file}" "Once upon a time" < /dev/null 2>&1 | true`,
  );
  expect(log.stdout).toBe('0');
  expect(await readFile(file, 'utf8')).toBe(text);
});

test('a refused run leaves the files alone that it would have written', async () => {
  const file = join(folder, 'precious.txt');
  await writeFile(file, 'precious');
  const { exitCode } = await runInProcess([
    '-o',
    file,
    '--trace',
    join(folder, 'none.jsonl'),
    '-c',
    '3',
    'Once upon a time',
  ]);
  expect(exitCode).toBe(5);
  expect(await readFile(file, 'utf8')).toBe('precious');
  await expect(readFile(join(folder, 'none.jsonl'))).rejects.toThrow('ENOENT');
});

test('a trace that cannot be written costs the exit code, not the text', async () => {
  const { exitCode, stdout, stderr } = await runInProcess([...STORY, '--trace', '/dev/full']);
  expect(stderr).toMatch(/^mtad: Cannot write \/dev\/full: ENOSPC/);
  expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: text });
});

test('--output - is standard output', async () => {
  expect((await runInProcess([...STORY, '-o', '-'])).stdout).toBe(text);
});

test('--stop ends before its text', async () => {
  const { stdout } = await runInProcess([
    'Once upon a time',
    '--temperature',
    '0',
    '--stop',
    'named Lily',
    '--json',
  ]);
  expect(JSON.parse(stdout)).toMatchObject({ finish_reason: 'stop', text: ', there was a little girl ' });
});

test('the same seed gives the same text, another one another', async () => {
  expect((await runInProcess(STORY)).stdout).toBe(text);
  expect((await runInProcess(['Once upon a time', '--seed', '6', '-n', '24'])).stdout).not.toBe(text);
});

inFull('on a terminal: figures after the text, no escape sequences left in the text', async () => {
  const { stdout } = await mtadOnTerminal([...STORY, '--no-stdin', '--no-wrap']);
  expect(stdout).toContain(text.replaceAll('\n', '\r\n'));
  expect(stdout).toContain('tokens/s');
});

test('on a terminal lines break between words, unless --no-wrap says no; never through a pipe or in a file', async () => {
  const file = join(folder, 'unbroken.txt');
  const narrow = { isTTY: true, input: '', columns: 30 };
  const wrapped = (await runInProcess(STORY, narrow)).stdout;
  const lines = wrapped.split('\n');
  expect(lines.length).toBeGreaterThan(3);
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(30);
  expect(wrapped.split(/\s+/)).toEqual(`${text}\n`.split(/\s+/));
  expect((await runInProcess([...STORY, '--no-wrap'], narrow)).stdout).toBe(`${text}\n`);
  await runInProcess([...STORY, '-o', file], narrow);
  expect(await readFile(file, 'utf8')).toBe(text);
});

test('a failure in the middle: --json and --jsonl tell it with the text so far', async () => {
  const pair = await loadPair({ gpu: 'off', engine: 'direct' });
  const settings = parseSettings({ seed: 5, maxTokens: 24, draftLength: 4 });
  for (const format of ['json', 'jsonl']) {
    const io = ioInMemory();
    const faulty = faultyPair(pair, 'target');
    faulty.failIn(4, () => Promise.reject(new ResourceError('The machine is lost; raise `contextSize`')));
    const flags = { [format]: true, stream: true, tuneCache: false, flashAttn: 'auto', gpu: 'off' };
    const around = {
      loadMs: 0,
      interrupts: new Interrupts(undefined),
      progress: SILENT,
    };
    await expect(
      writeText(io, faulty.pair, 'Once upon a time', undefined, flags as never, settings, around),
    ).rejects.toThrow(ResourceError);
    const told = JSON.parse(io.stdout.text.trimEnd().split('\n').at(-1)!);
    expect(told).toMatchObject({ finish_reason: 'error', error: 'The machine is lost; raise --ctx-size' });
    expect(told.text.length).toBeGreaterThan(10);
    expect(text.startsWith(told.text)).toBe(true);
    expect(told.tokens).toHaveLength(told.completion_tokens);
    expect(told.speculation.target_passes).toBeGreaterThan(0);
    expect(io.stderr.text).toBe('');
  }
  await pair.dispose();
});

test('--highlight colours on a terminal and not in a pipe; NO_COLOR and --color never win', async () => {
  const green = '\u001B[32m';
  const quiet = [...STORY, '-q', '--highlight'];
  const terminal = { isTTY: true, input: '' };
  expect((await runInProcess(quiet, terminal)).stdout).toContain(green);
  expect((await runInProcess([...quiet, '--color', 'never'], terminal)).stdout).not.toContain(green);
  const noColor = { ...terminal, env: { NO_COLOR: '1' } };
  expect((await runInProcess(quiet, noColor)).stdout).not.toContain(green);
  expect((await runInProcess([...STORY, '--highlight'])).stdout).toBe(text);
  expect((await runInProcess([...STORY, '--highlight', '--color', 'always'])).stdout).toContain(green);
});

test('a terminal that does not know its width gets no spinner', async () => {
  const { stdout, stderr, exitCode } = await runInProcess(STORY, { isTTY: true, input: '', columns: 0 });
  expect(stdout.startsWith(text.slice(0, 10))).toBe(true);
  expect(stderr.slice(0, CUT.length)).toBe(CUT); // what a spinner writes would come before
  expect(exitCode).toBe(0);
});

test('-q keeps even a terminal quiet, where --highlight colours, and strikes out what was refused', async () => {
  const strict = [...STORY, '-q', '--threshold', '1'];
  const { stdout: written } = await runInProcess(strict);
  const { stdout } = await mtadOnTerminal([...strict, '--highlight', '--no-wrap']);
  const [green, struck] = ['\u001B[32m', '\u001B[9m'];
  expect(stdout).toContain(green);
  expect(stdout).toContain(struck);
  expect(bare(withoutStruck(stdout))).toBe(`${written.replaceAll('\n', '\r\n')}\r\n`);
});
