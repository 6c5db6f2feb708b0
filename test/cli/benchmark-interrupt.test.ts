import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { stripVTControlCharacters } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { mtad, mtadOnTerminal, saying } from '../support/cli.js';
import { parseJsonLines } from '../support/records.js';
import { firstOf, tries } from '../support/tries.js';

/** Half an hour. */
const LONG = ['benchmark', '--limit', '60', '-n', '300', '-r', '60', '--ignore-eos', '--threads', '1'];
/** One setting needs the shortest warm-up. */
const PLAIN = ['--strategies', 'autoregressive'];
const CTRL_C = '\x03';
const NOTHING = 'mtad: interrupted before the first text was finished: nothing is written';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mtad-interrupt-'));
});
afterAll(() => rm(folder, { recursive: true }));

const SIGNALS = [
  ['SIGHUP', 129],
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const;
test.concurrent.each(firstOf(1, SIGNALS))(
  '%s in the middle: what is finished, marked incomplete, exit code %i',
  async (signal, code) => {
    const [json, md] = [join(folder, `${signal}.json`), join(folder, `${signal}.md`)];
    const run = mtad([...LONG, ...PLAIN, '--format', 'jsonl', '--output', json, '--output', md]);
    await saying(run.stdout, /("type":"generation".*){2}/s); // and many are to come
    run.kill(signal);
    const { exitCode, stdout, stderr } = await run;
    expect(exitCode).toBe(code);
    const lines = parseJsonLines(stdout);
    expect(stderr).toBe(`mtad: interrupted: ${lines.length - 1} of 3600 texts are in the report\n`);
    const report = JSON.parse(await readFile(json, 'utf8'));
    expect(lines.at(-1)).toMatchObject({ type: 'report', complete: false });
    expect(report).toMatchObject({ complete: false });
    expect(report.generations).toHaveLength(lines.length - 1);
    for (const { tokens } of report.generations) expect(tokens).toHaveLength(300); // no half ones
    const count = report.generations.length;
    expect(await readFile(md, 'utf8')).toContain(`INCOMPLETE: the run ended early; ${count} generation`);
  },
);

/** Types Ctrl-C, which reaches every process of the terminal, once the screen has said something. */
async function interruptedOnTerminal(args: readonly string[], when: RegExp, wait = 0) {
  const run = mtadOnTerminal(args, { stdin: 'pipe' });
  await saying(run.stdout, when);
  await sleep(wait);
  run.stdin!.write(CTRL_C);
  const { stdout, exitCode } = await run;
  run.stdin!.end();
  return { exitCode, stdout, screen: stripVTControlCharacters(stdout.split('\u001B[2K').at(-1)!) };
}

test.concurrent('Ctrl-C on a terminal: the bar goes, the table comes', async () => {
  const { exitCode, screen } = await interruptedOnTerminal([...LONG, ...PLAIN], / [1-9]\d*\/\d+ texts/);
  expect(exitCode).toBe(130);
  expect(screen).toMatch(/^setting +tokens\/s/);
  expect(screen).toMatch(/INCOMPLETE: the run ended early; \d+ generation/);
});

test.concurrent.each(tries([250], [100, 250]))(
  'Ctrl-C while models load, %i ms later: exit code 130, and that nothing is written',
  async (wait) => {
    const { exitCode, stdout, screen } = await interruptedOnTerminal(LONG, /Loading models/, wait);
    expect(exitCode).toBe(130);
    expect(screen).toContain(NOTHING);
    expect(stdout).not.toMatch(/Error|\bat |setting/);
  },
);

test.concurrent('Ctrl-C during the warm-up: no empty table, and no file is emptied', async () => {
  const file = join(folder, 'warm-up.json');
  const many = Array.from({ length: 60 }, (_, i) => i + 1).join(); // drafts, each to be warmed up
  const args = [...LONG, '--strategies', 'mtad', '--draft-length', many, '--output', file];
  const { exitCode, stdout, screen } = await interruptedOnTerminal(args, /Warming up/);
  expect(exitCode).toBe(130);
  expect(screen).toContain(NOTHING);
  expect(stdout).not.toMatch(/Error|setting|texts/);
  expect(existsSync(file)).toBe(false);
});
