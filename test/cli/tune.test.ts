import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readProfile } from '../../src/tuning/profile-file.js';
import { mtadOnTerminal, saying } from '../support/cli.js';
import { runInProcess } from '../support/run-in-process.js';

let folder: string;
let env: Record<string, string | undefined>;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mtad-tune-'));
  env = { XDG_CONFIG_HOME: join(folder, 'config'), MTAD_DRAFT_LENGTH: undefined };
});
afterAll(() => rm(folder, { recursive: true }));

const SHORT = ['tune', '--limit', '1', '-n', '12', '--threads', '1'];

test('what is found, as JSON, kept in a file', async () => {
  const path = join(folder, 'pair.json');
  const { exitCode, stdout, stderr } = await runInProcess([...SHORT, '--json', '--save', path], { env });
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  const report = JSON.parse(stdout);
  expect(report).toMatchObject({ schema: 1, profile: path, conditions: { prompts: 1, max_tokens: 12 } });
  expect(report.candidates).toHaveLength(144);
  const { tuned } = (await readProfile(path))!;
  expect(tuned!.settings.strategy).toBe(report.recommended?.strategy ?? 'autoregressive');
  expect(tuned!.sampling).toEqual({ temperature: 1, topK: 10, topP: 0.9 });
});

test('what is found, as a table, kept where other commands find it', async () => {
  const { exitCode, stdout, stderr } = await runInProcess([...SHORT, '--save'], { env, isTTY: false });
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  expect(stdout).toMatch(/^setting +speed-up +perplexity/);
  expect(stdout).toMatch(/144 settings replayed on 1 prompts? of up to 12 tokens/);
  const [, path] = /Saved as (.*)\n/.exec(stdout)!;
  const { settings } = JSON.parse((await runInProcess(['config', '--json'], { env })).stdout);
  expect(settings.strategy.source).toBe(`profile ${path}`);
});

test.each([
  [['a', 'prompt'], 'tune takes no words such as "a": prompts come from --prompts <file>'],
  [['--draft', 'lookup', '-m', 'gguf/stories-target-f16.gguf'], '--draft lookup needs no tuning'],
  [['--save', '/no/such/folder/p.json'], 'Cannot write /no/such/folder/p.json'],
  [['--profile', 'x.json'], 'unknown option'],
])('%j is refused', async (args, message) => {
  const { exitCode, stderr, stdout } = await runInProcess([...SHORT, ...args], { env });
  expect(stderr).toContain(message);
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
});

test('Ctrl-C in the middle: exit code 130, nothing is written', async () => {
  const path = join(folder, 'none.json');
  const run = mtadOnTerminal(['tune', '--threads', '1', '-n', '300', '--save', path], { env, stdin: 'pipe' });
  await saying(run.stdout, / [1-9]\d*\/\d+ texts/);
  run.stdin!.write('\x03');
  const { exitCode } = await run;
  run.stdin!.end();
  expect(exitCode).toBe(130);
  expect(existsSync(path)).toBe(false);
});
