import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { keysOf, parseCsv, parseJsonLines, parseMarkdownTable } from '../support/records.js';
import { runInProcess } from '../support/run-in-process.js';

const SHORT = [
  'benchmark',
  '--limit',
  '2',
  '-n',
  '12',
  '--threads',
  '1',
  '--strategies',
  'autoregressive,mtad',
];
const NAMES = ['autoregressive', 'mtad k=4 w=4 tau=0.5'];

let folder: string;
let stdout: string; // JSON
const files = {} as Record<'md' | 'csv' | 'json' | 'jsonl' | 'html', string>;
const pathOf = (ending: string) => join(folder, `result.${ending}`);

/** One run writes everything. */
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mtad-benchmark-'));
  const exports = ['md', 'csv', 'json', 'jsonl'].flatMap((ending) => ['--output', pathOf(ending)]);
  const run = await runInProcess([...SHORT, '--format', 'json', ...exports, '--report', pathOf('html')]);
  expect({ exitCode: run.exitCode, stderr: run.stderr }).toEqual({ exitCode: 0, stderr: '' });
  stdout = run.stdout;
  for (const ending of ['md', 'csv', 'json', 'jsonl', 'html'] as const)
    files[ending] = await readFile(pathOf(ending), 'utf8');
});
afterAll(() => rm(folder, { recursive: true }));

test('--format json is one object, that of --output result.json', () => {
  expect(stdout).toBe(files.json);
  const report = JSON.parse(stdout);
  expect(report).toMatchObject({
    schema: 2,
    complete: true,
    conditions: { prompts: 'built-in', used: 2, skipped: [], repetitions: 1, max_tokens: 12, threads: 1 },
    contenders: NAMES.map((name) => ({ name, engine: 'direct', generations: 2, tokens: 24 })),
    versions: { node: process.versions.node },
  });
  expect(report.generations).toHaveLength(4);
  for (const { tokens_per_second: speed, perplexity, distinct } of report.contenders) {
    for (const figure of [speed.value, perplexity.value, ...distinct])
      expect(figure).toEqual(expect.any(Number));
    expect(perplexity.value).toBeGreaterThan(1);
  }
});

test('keys in snake_case, and no folder of this machine', () => {
  expect(keysOf(JSON.parse(stdout)).filter((key) => !/^[a-z][a-z0-9]*(_[a-z0-9]+)*$/.test(key))).toEqual([]);
  for (const content of Object.values(files)) expect(content).not.toContain(process.cwd());
});

test('JSON Lines: the same generations, then the same report without them', () => {
  const { generations, ...report } = JSON.parse(stdout);
  const lines = parseJsonLines(files.jsonl);
  expect(lines.slice(0, -1)).toEqual(generations.map((one: object) => ({ type: 'generation', ...one })));
  expect(lines.at(-1)).toEqual({ type: 'report', ...report });
});

test('CSV: a line per setting, figures unrounded', () => {
  const { contenders } = JSON.parse(stdout);
  const rows = parseCsv(files.csv);
  expect(rows.map(({ setting }) => setting)).toEqual(NAMES);
  expect(rows.map((row) => Number(row.tokens_per_second))).toEqual(
    contenders.map((one: { tokens_per_second: { value: number } }) => one.tokens_per_second.value),
  );
  expect(rows[0]).toMatchObject({ speed_up: '', complete: 'true', joules_per_token: expect.any(String) });
  expect(files.csv).not.toMatch(/NaN|Infinity|undefined/);
});

test('Markdown: the recommendation, the table, the conditions', () => {
  const { recommendation } = JSON.parse(stdout);
  expect(files.md.startsWith(`${recommendation}\n\n| setting`)).toBe(true);
  expect(parseMarkdownTable(files.md).map(({ setting }) => setting)).toEqual(NAMES);
  expect(files.md).toContain('- 2 prompts (built-in) x 1');
});

test('--report is a page, complete in itself', () => {
  expect(files.html).toMatch(/^<!doctype html>/i);
  expect(files.html.trimEnd()).toMatch(/<\/html>$/);
  for (const name of NAMES) expect(files.html).toContain(name);
  expect(files.html).not.toMatch(/(src|href)="https?:/);
});

test.concurrent.each([
  ['md', (text: string) => parseMarkdownTable(text)],
  ['csv', parseCsv],
])('--format %s: nothing else on standard output', async (format, parse) => {
  const run = await runInProcess([...SHORT, '--format', format]);
  expect(run).toMatchObject({ exitCode: 0, stderr: '' });
  expect(parse(run.stdout).map(({ setting }) => setting)).toEqual(NAMES);
});

test.concurrent('the same seed writes the same texts, another one others, -r more of them', async () => {
  const run = async (...args: string[]) => {
    const { stdout } = await runInProcess([...SHORT, '--format', 'json', ...args]);
    return JSON.parse(stdout).generations as { repetition: number; seed: number; tokens: number[] }[];
  };
  const tokens = (some: { tokens: number[] }[]) => some.map((one) => one.tokens);
  const [other, twice] = await Promise.all([run('--seed', '9'), run('-r', '2')]);
  const first = JSON.parse(stdout).generations;
  expect(tokens(other)).not.toEqual(tokens(first));
  expect(tokens(twice.slice(0, 4))).toEqual(tokens(first));
  expect(twice.map(({ repetition }) => repetition)).toEqual([0, 0, 0, 0, 1, 1, 1, 1]);
  expect(new Set(twice.map(({ seed }) => seed)).size).toBe(4);
});

test.concurrent('--compare: what changed, after the table; beside JSON on standard error; --fail-below', async () => {
  const beside = ['--strategies', 'autoregressive,block', '--compare', pathOf('json')];
  const [table, machine] = await Promise.all([
    runInProcess([...SHORT, ...beside, '--fail-below', '0.01']),
    runInProcess([...SHORT, ...beside, '--fail-below', '100', '--format', 'json']),
  ]);
  const told = (text: string) => {
    expect(text).toMatch(/\nautoregressive +[\d.]+ -> [\d.]+ +- +[\d.]+ -> [\d.]+/);
    expect(text).toContain('in one of the reports only: block k=4 (direct), mtad k=4 w=4 tau=0.5 (direct)');
  };
  told(table.stdout.slice(table.stdout.indexOf('\nNo recommendation')));
  expect(table).toMatchObject({ exitCode: 0, stderr: '' });
  told(machine.stderr);
  expect(machine.stderr).toMatch(
    /\nmtad: the fastest strategy, block k=4, is [\d.]+ times as fast as .*; --fail-below asks for 100\n$/,
  );
  expect(machine.exitCode).toBe(1);
  expect(JSON.parse(machine.stdout)).toMatchObject({ complete: true });
});
