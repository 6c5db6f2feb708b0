import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { mtad, mtadOnTerminal } from '../support/cli.js';
import { parseCsv, parseJsonLines, parseMarkdownTable, parsePlainTable } from '../support/records.js';
import { runInProcess } from '../support/run-in-process.js';

const OWN = /mtad, threshold 0\.3, draft length 4: (\d+) of \1 steps decided as recorded/;

let folder: string;
let trace: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mtad-replay-'));
  trace = join(folder, 'trace.jsonl');
  await runInProcess(['Once upon a time', '--seed', '3', '-n', '40', '--threshold', '0.3', '--trace', trace]);
});
afterAll(() => rm(folder, { recursive: true }));

const replay = (args: readonly string[] = [], file = trace) =>
  runInProcess(['benchmark', '--replay', file, ...args]);

test.concurrent('a table of settings, and those of the run itself', async () => {
  const { exitCode, stdout, stderr } = await replay();
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' });
  expect(stdout).not.toContain('\u001B');
  expect(stdout).toMatch(OWN);
  const rows = parsePlainTable(stdout);
  const own = rows.find(({ threshold, clip }) => threshold === '0.3' && clip === 'no')!;
  expect(own['decided otherwise']).toMatch(/^0 of \d+$/);
  const [start, ...steps] = parseJsonLines(await readFile(trace, 'utf8')) as [
    { params: { max_tokens: number } },
    ...{ draft: []; accepted: number; emitted: [] }[],
  ];
  let room = start.params.max_tokens; // behind it nothing counts
  let drafted = 0;
  for (const { draft, emitted } of steps) {
    drafted += Math.min(room, draft.length);
    room -= emitted.length;
  }
  expect(Number(own.drafted)).toBe(drafted);
  expect(Number(own.accepted)).toBe(steps.reduce((sum, { accepted }) => sum + accepted, 0));
});

test.concurrent('a threshold that moved: its own row first', async () => {
  const file = join(folder, 'moved.jsonl');
  await runInProcess(['A cat', '--seed', '3', '-n', '30', '--threshold', 'auto', '--trace', file]);
  const { exitCode, stdout } = await replay([], file);
  expect(exitCode).toBe(0);
  expect(stdout).toMatch(/mtad, threshold auto, draft length 4: (\d+) of \1 steps decided as recorded/);
  expect(parsePlainTable(stdout)[0]).toMatchObject({ threshold: 'auto', clip: 'no' });
  const asked = await replay(['--threshold', '0.9,auto', '--clip', '--format', 'json'], file);
  const { rows } = JSON.parse(asked.stdout) as { rows: { threshold: unknown; clip: boolean }[] };
  expect(rows.map(({ threshold, clip }) => `${threshold} ${clip}`)).toEqual([
    '0.9 false',
    'auto false',
    '0.9 true',
    'auto true',
  ]);
});

test.concurrent('lists multiply, in every format the same rows', async () => {
  const grid = ['--threshold', '0.1,0.9', '--draft-length', '2,4', '--clip'];
  const formats = ['json', 'jsonl', 'csv', 'md'];
  const runs = await Promise.all(formats.map((format) => replay([...grid, '--format', format])));
  const [json, jsonl, csv, md] = runs.map(({ stdout }) => stdout);
  const { rows, ...head } = JSON.parse(json!) as { rows: { threshold: number; accepted: number }[] };
  expect(head).toMatchObject({
    schema: 1,
    strategy: 'mtad',
    threshold: 0.3,
    draft_length: 4,
    cut_off_line: null,
  });
  expect(rows).toHaveLength(8);
  expect(parseCsv(csv!)[0]!.drafted_by_position).toMatch(/^\d+ \d+$/); // as the other CSV has them
  expect(parseJsonLines(jsonl!)).toEqual([{ type: 'start', ...head }, ...rows]);
  const accepted = rows.map((row) => String(row.accepted));
  expect(parseCsv(csv!).map((row) => row.accepted)).toEqual(accepted);
  expect(parseMarkdownTable(md!).map((row) => row.accepted)).toEqual(accepted);
  expect(runs.map(({ exitCode }) => exitCode)).toEqual([0, 0, 0, 0]);
  expect(runs.slice(0, 2).map(({ stderr }) => stderr)).toEqual(['', '']);
  for (const { stderr } of runs.slice(2)) expect(stderr).toMatch(OWN); // the formats have no room for it
});

test.concurrent('a trace from standard input', async () => {
  const [file, piped, empty] = await Promise.all([
    replay(),
    runInProcess(['benchmark', '--replay', '-'], { input: await readFile(trace) }),
    runInProcess(['benchmark', '--replay', '-'], { input: '' }),
  ]);
  expect(piped).toMatchObject({ exitCode: 0, stdout: file.stdout });
  expect(empty).toMatchObject({ exitCode: 2, stderr: 'mtad: Standard input, line 1: the file is empty\n' });
});

test.concurrent.each([
  ['benchmark', '--replay', '-'],
  ['explain', '-'],
])('%s refuses what is no trace while its writer still writes', async (...args) => {
  const [start, first] = (await readFile(trace, 'utf8')).split('\n');
  const child = mtad(args, { stdin: 'pipe' });
  child.stdin!.on('error', () => undefined).write(`${start}\n${first}\n{"type": "step"}\n`); // and it stays open
  const { exitCode, stderr } = await child;
  expect(stderr).toContain('mtad: Standard input, line 3: ');
  expect(exitCode).toBe(2);
});

test.concurrent('a trace that ends in the middle of a line: its whole steps, and a word about it', async () => {
  const file = join(folder, 'cut.jsonl');
  await writeFile(file, (await readFile(trace, 'utf8')).slice(0, -20));
  const lines = (await readFile(file, 'utf8')).split('\n').length;
  const [table, machine] = await Promise.all([replay([], file), replay(['--format', 'json'], file)]);
  expect(table.stdout).toContain(`The trace ends in the middle of line ${lines}, which is left out`);
  expect(JSON.parse(machine.stdout)).toMatchObject({ cut_off_line: lines, steps: lines - 2 });
});

test.concurrent('a trace that says otherwise than the rule: exit code 1 and the line', async () => {
  const file = join(folder, 'otherwise.jsonl');
  const [start, first, ...rest] = (await readFile(trace, 'utf8')).split('\n');
  const step = JSON.parse(first!);
  const other = {
    ...step,
    accepted: 0,
    next: step.emitted[0],
    emitted: step.emitted.slice(0, 1),
    raw_log_p: [-1],
  };
  await writeFile(file, [start, JSON.stringify(other), ...rest].join('\n'));
  const { exitCode, stderr } = await replay(['--format', 'json'], file);
  expect(stderr).toMatch(/^mtad: \S*otherwise\.jsonl, line 2: 0 tokens were accepted then, \d are now\n$/);
  expect(exitCode).toBe(1);
});

test.concurrent('a terminal: colours, and no line longer than it', async () => {
  const { stdout } = await mtadOnTerminal(['benchmark', '--replay', trace, '--threshold', '0.1']);
  expect(stdout).toContain('\u001B[1mthreshold');
  const lines = stripVTControlCharacters(stdout).split('\r\n');
  expect(lines.filter((line) => line.length > 80)).toEqual([]);
});

test.concurrent.each([
  [['--threshold', '2'], "must be 'auto' or a number above 0"],
  [
    ['--threshold', 'auto'],
    '--threshold must be numbers in a replay of a trace whose threshold did not move',
  ],
  [['--draft-length', 'auto'], '--draft-length must be numbers in a replay'],
  [['--draft-length', '9'], '--draft-length 9: the drafts of .* have 4 tokens'],
  [['--output', 'a.json'], '--output has no meaning beside --replay'],
  [['--compare', 'a.json'], '--compare has no meaning beside --replay'],
  [['--strategies', 'mmtad'], '--strategies has no meaning beside --replay'],
  [['--fail-below', '1'], '--fail-below has no meaning beside --replay'],
] as const)('%j: exit code 2', async (args, message) => {
  const { exitCode, stdout, stderr } = await replay(args);
  expect(stderr).toMatch(new RegExp(`^mtad: .*${message}`));
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
});

test.concurrent.each([
  ['nothing', '', /line 1: the file is empty/],
  ['text', 'Once upon a time\n', /line 1: not JSON/],
  ['something else', '{"type":"generation"}\n', /line 1: /],
  [
    'no steps',
    '{"type":"start","schema":1,"strategy":"speculative","params":{},"prompt_tokens":[1]}\n',
    /line 1: .*mtad/,
  ],
])('a file with %s is no trace: exit code 2 and the line', async (name, content, message) => {
  const file = join(folder, `${name}.jsonl`);
  await writeFile(file, content);
  const { exitCode, stdout, stderr } = await replay([], file);
  expect(stderr).toMatch(message);
  expect(stderr).toMatch(/^mtad: [^\n]*\n$/);
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
});

test.concurrent('no such trace: exit code 2', async () => {
  const { exitCode, stderr } = await replay([], join(folder, 'missing.jsonl'));
  expect(stderr).toMatch(/^mtad: Cannot read the trace: ENOENT[^\n]*\n$/);
  expect(exitCode).toBe(2);
});
