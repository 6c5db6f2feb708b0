import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { knownPairs } from '../../src/models/known-pairs.js';
import { mtad } from '../support/cli.js';
import { HYBRID } from '../support/hybrid.js';
import { runInProcess } from '../support/run-in-process.js';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mtad-pairs-'));
});
afterAll(() => rm(folder, { recursive: true }));

const pairs = (...args: string[]) => runInProcess(['pairs', '--models-dir', folder, ...args]);

async function download(...files: string[]): Promise<void> {
  for (const file of files) {
    const path = join(folder, 'hf/bartowski', file);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, 'GGUF');
  }
}

test('a line for each pair, with what it weighs and the memory it takes', async () => {
  const { exitCode, stdout, stderr } = await pairs();
  for (const { name } of await knownPairs()) expect(stdout).toMatch(new RegExp(`^${name} `, 'm'));
  expect(stdout).toMatch(
    /^llama-3\.1-8b +Meta-Llama-3\.1-8B-Instruct Q4_K_M +Llama-3\.2-1B-Instruct Q4_K_M +5\.73 GB +7\.07 GB .* no +Llama 3\.1/m,
  );
  expect(stdout).toContain('at 8192 tokens of context');
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
});

test('more context takes more memory, in proportion', async () => {
  const memory = async (context: string) => {
    const { stdout } = await pairs('--json', '-c', context);
    const { pairs: rows } = JSON.parse(stdout);
    return rows.map(
      (row: { memory_bytes: number; download_bytes: number }) => row.memory_bytes - row.download_bytes,
    );
  };
  const [short, long] = [await memory('1000'), await memory('4000')];
  expect(long).toEqual(short.map((bytes: number) => 4 * bytes));
});

test('memory is reckoned for no more context than the target was trained on', async () => {
  const rowOf = async (context: string) => JSON.parse((await pairs('--json', '-c', context)).stdout).pairs[0];
  const row = await rowOf('131072');
  expect(row).toMatchObject({ name: 'smollm2-1.7b', context_size: 8192 });
  expect(row.memory_bytes).toBe((await rowOf('8192')).memory_bytes);
  expect((await rowOf('1000')).context_size).toBe(1000);
});

test('--json says where the models are, whose they are, and what is here', async () => {
  await download('SmolLM2-1.7B-Instruct-GGUF/SmolLM2-1.7B-Instruct-Q4_K_M.gguf');
  await download('Llama-3.2-3B-Instruct-GGUF/Llama-3.2-3B-Instruct-Q4_K_M.gguf');
  await download('Llama-3.2-1B-Instruct-GGUF/Llama-3.2-1B-Instruct-Q4_K_M.gguf');
  const { stdout } = await pairs('--json');
  const { schema, context_size, pairs: rows } = JSON.parse(stdout);
  expect({ schema, context_size }).toEqual({ schema: 1, context_size: 8192 });
  const states = Object.fromEntries(
    rows.map((row: { name: string; downloaded: string }) => [row.name, row.downloaded]),
  );
  expect(states).toMatchObject({
    'smollm2-1.7b': 'target only',
    'llama-3.2-3b': 'yes',
    'llama-3.1-8b': 'draft only',
    'qwen3-8b': 'no',
  });
  expect(rows[0]).toMatchObject({
    name: 'smollm2-1.7b',
    target: { address: 'hf:bartowski/SmolLM2-1.7B-Instruct-GGUF:Q4_K_M', license: 'Apache 2.0' },
    settings: { temperature: 0.2, top_p: 0.9 },
    fits: true,
    target_file: join(folder, 'hf/bartowski/SmolLM2-1.7B-Instruct-GGUF/SmolLM2-1.7B-Instruct-Q4_K_M.gguf'),
    draft_file: null,
  });
});

test('models that need no draft model are told too: that of mtad, and those in the models folder', async () => {
  await mkdir(join(folder, 'mine'), { recursive: true });
  await symlink(HYBRID, join(folder, 'mine/hybrid.gguf'));
  const { stdout } = await pairs();
  expect(stdout.replaceAll('\n', ' ')).toContain(
    'These need no draft model, since they draft with a head of their own: stories-hybrid-f16.gguf (13.3 MB), mine/hybrid.gguf (13.3 MB)',
  );
  const { need_no_draft } = JSON.parse((await pairs('--json')).stdout);
  expect(need_no_draft).toMatchObject([
    { paths: [HYBRID] },
    { name: 'mine/hybrid.gguf', architecture: 'qwen35' },
  ]);
  const listed = (await runInProcess(['list', '--models-dir', folder])).stdout;
  expect(listed).toMatch(/^mine\/hybrid\.gguf .* qwen35 +drafts for itself /m);
});

test('where no build of llama.cpp runs, the names are told all the same', async () => {
  const env = {
    NODE_OPTIONS: `--import=data:text/javascript,Object.defineProperty(process,'arch',{value:'mips'})`,
  };
  const { exitCode, stdout, stderr } = await mtad(['pairs'], { env });
  expect(stdout).toMatch(/^llama-3\.1-8b .* GB +unknown /m);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  const { pairs: rows } = JSON.parse((await mtad(['pairs', '--json'], { env })).stdout);
  expect(rows[0].fits).toBeNull();
});

describe('on a terminal', () => {
  test.each([120, 80, 60])('of %d columns, no line is wider', async (columns) => {
    const terminal = { isTTY: true, input: '', columns };
    const { stdout } = await runInProcess(['pairs', '--models-dir', folder, '--color', 'never'], terminal);
    for (const line of stdout.split(/\r?\n/)) expect(line.length).toBeLessThanOrEqual(columns);
    expect(stdout).toMatch(/^qwen2\.5-coder-7b .* GB/m);
    expect(stdout.replaceAll(/\s+/g, ' ')).toContain('A wider terminal and --json show more');
  });
});

test('words are refused, and help is help', async () => {
  const { exitCode, stdout, stderr } = await runInProcess(['pairs', 'llama']);
  expect(stderr).toMatch(/^mtad: pairs takes no words such as "llama"/);
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
  const help = await runInProcess(['pairs', '--help']);
  expect(help.stdout).toContain('Examples:');
  expect((await runInProcess(['pairs', 'help'])).stdout).toBe(help.stdout);
  expect((await runInProcess(['help', 'pairs'])).stdout).toBe(help.stdout);
});
