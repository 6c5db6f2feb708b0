import { expect, test } from 'vitest';
import { parseCsv, parsePlainTable } from '../support/records.js';
import { runInProcess } from '../support/run-in-process.js';

/** A benchmark of a moment. */
const SHORT = ['benchmark', '--limit', '2', '-n', '12', '--threads', '1'];

/** Names of the settings that ran, with their engines. */
async function contendersOf(args: readonly string[]): Promise<string[]> {
  const run = await runInProcess([
    ...SHORT,
    '--limit',
    '1',
    '-n',
    '3',
    '--no-perplexity',
    '--format',
    'csv',
    ...args,
  ]);
  expect({ exitCode: run.exitCode, stderr: run.stderr }).toEqual({ exitCode: 0, stderr: '' });
  const rows = parseCsv(run.stdout);
  expect(rows[0]!.perplexity).toBe('');
  return rows.map(({ setting, engine }) => `${setting} (${engine})`);
}

test('the first run: a table, its conditions and a recommendation, and not a word on standard error', async () => {
  const { exitCode, stdout, stderr } = await runInProcess(SHORT);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  expect(stdout).not.toContain('\u001B');
  const rows = parsePlainTable(stdout);
  expect(rows.map(({ setting }) => setting)).toEqual([
    'autoregressive',
    'speculative k=4',
    'mtad k=4 w=4 tau=0.5',
    'mmtad k=4 w=4 tau=0.5',
    'greedy',
    'temperature 0.7',
    'mtjd k=4 w=4',
  ]);
  for (const row of rows) expect(row['tokens/s']).toMatch(/^[\d.]+$/);
  expect(rows[0]).toMatchObject({ tokens: '24', passes: '24', 'per pass': '1.00', accepted: '-' });
  expect(stdout).toContain('2 prompts (built-in) x 1, at most 12 tokens');
  expect(stdout).toContain('1 thread;');
  expect(stdout).toMatch(/\n\nNo recommendation: fewer than 5 prompts are too few [^\n]+\.\n$/);
  const [table] = stdout.split('\n\n');
  const ends = table!.split('\n').map((line) => line.length);
  expect(new Set(ends).size).toBe(1); // the last column is aligned to the right
});

test.concurrent('lists multiply, each strategy with the settings that it has', async () => {
  const strategies = ['--strategies', 'autoregressive,block,mtad'];
  const lists = ['--draft-length', '2,3', '--beam-width', '2', '--threshold', '0.1,1', '--clip'];
  expect(await contendersOf([...strategies, ...lists])).toEqual([
    'autoregressive (direct)',
    'block k=2 (direct)',
    'block k=3 (direct)',
    'mtad k=2 w=2 tau=0.1 (direct)',
    'mtad k=2 w=2 tau=0.1 clip (direct)',
    'mtad k=2 w=2 tau=1 (direct)',
    'mtad k=2 w=2 tau=1 clip (direct)',
    'mtad k=3 w=2 tau=0.1 (direct)',
    'mtad k=3 w=2 tau=0.1 clip (direct)',
    'mtad k=3 w=2 tau=1 (direct)',
    'mtad k=3 w=2 tau=1 clip (direct)',
  ]);
});

const BASELINES = ['greedy (direct)', 'temperature 0.7 (direct)', 'mtjd k=4 w=4 (direct)'];

test.concurrent('baselines beside the default strategies can be left out, and beside others asked for', async () => {
  const runs = [['--no-baselines'], ['--strategies', 'block'], ['--strategies', 'block', '--baselines']];
  const [without, chosen, both] = await Promise.all(runs.map(contendersOf));
  expect(without).toHaveLength(4);
  expect(chosen).toEqual(['block k=4 (direct)']);
  expect(both).toEqual(['block k=4 (direct)', ...BASELINES]);
});

test.concurrent('two engines, and the peers', async () => {
  expect(await contendersOf(['--strategies', 'block', '--engine', 'direct,bindings', '--peers'])).toEqual([
    'block k=4 (direct)',
    'block k=4 (bindings)',
    'evaluate() (node-llama-cpp)',
    'DraftSequenceTokenPredictor (node-llama-cpp)',
  ]);
});

test.concurrent('--draft lookup: no draft model, no trees, no predictor', async () => {
  expect(await contendersOf(['--draft', 'lookup', '--no-baselines', '--peers'])).toEqual([
    'autoregressive (direct)',
    'speculative k=4 lookup (direct)',
    'mtad k=4 tau=0.5 lookup (direct)',
    'evaluate() (node-llama-cpp)',
  ]);
});

test.concurrent('the spellings of llama.cpp are understood', async () => {
  expect(await contendersOf(['--strategies', 'block', '--draft-max', '2', '--n-predict', '2'])).toEqual([
    'block k=2 (direct)',
  ]);
});

test.concurrent('a misspelt strategy: the one that was meant', async () => {
  const { exitCode, stdout, stderr } = await runInProcess([...SHORT, '--strategies', 'mtad,blok']);
  expect(stderr).toMatch(/^mtad: No strategy "blok"; did you mean block\? [^\n]*\n$/);
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
});
