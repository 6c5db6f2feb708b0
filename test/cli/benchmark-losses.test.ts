import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { MTAD, MTAD_IN_SHELL } from '../support/cli.js';
import { parseCsv, parseJsonLines, parsePlainTable } from '../support/records.js';
import { runInProcess } from '../support/run-in-process.js';
import { firstOf } from '../support/tries.js';

const SHORT = ['benchmark', '--limit', '2', '-n', '12', '--threads', '1', '--strategies', 'autoregressive'];
/** An hour. */
const LONG =
  'benchmark --limit 60 -n 100 -r 99 --ignore-eos --threads 1 --strategies autoregressive,mtad'.split(' ');

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'mtad-losses-'));
});
afterAll(() => rm(root, { recursive: true }));

/** Folders of one test: its own, one to be lost, and the temporary folder of the command. */
async function folders() {
  const folder = await mkdtemp(join(root, 'test-'));
  const [gone, refuge] = [join(folder, 'gone'), join(folder, 'refuge')];
  await Promise.all([mkdir(gone), mkdir(refuge)]);
  return { folder, gone, refuge };
}

/** The text of a file that was rescued. */
async function rescuedIn(refuge: string, file: string): Promise<string> {
  const [name] = (await readdir(refuge, { recursive: true })).filter((name) => name.endsWith(file));
  return readFile(join(refuge, name!), 'utf8');
}

/** Runs in process, with this temporary folder, and loses another one once the first text is there. */
async function losing(gone: string, refuge: string, outputs: readonly string[]) {
  vi.stubEnv('TMPDIR', refuge);
  try {
    const files = outputs.flatMap((file) => ['--output', file]);
    return await runInProcess([...SHORT, '--format', 'jsonl', ...files], {
      onStdout: () => rm(gone, { recursive: true, force: true }),
    });
  } finally {
    vi.unstubAllEnvs();
  }
}

test('a folder that vanished during the run: the file is in the temporary folder, the others in their place', async () => {
  const { folder, gone, refuge } = await folders();
  const stays = join(folder, 'stays.csv');
  const { exitCode, stdout, stderr } = await losing(gone, refuge, [join(gone, 'a.json'), stays]);
  expect(stderr).toMatch(
    /^mtad: Cannot write \S*a\.json: ENOENT[^\n]*; it is in \S*refuge\S*a\.json instead/,
  );
  expect(exitCode).toBe(1);
  expect(parseJsonLines(stdout)).toHaveLength(3);
  expect(parseCsv(await readFile(stays, 'utf8'))).toHaveLength(1);
  expect(JSON.parse(await rescuedIn(refuge, 'a.json'))).toMatchObject({ complete: true });
});

test('no temporary folder either: the others are written, and the loss is told', async () => {
  const { folder, gone } = await folders();
  const stays = join(folder, 'stays.json');
  const { exitCode, stderr } = await losing(gone, gone, [join(gone, 'a.csv'), stays]);
  expect(stderr).toMatch(
    /^mtad: Cannot write \S*a\.csv: ENOENT[^\n]*; nor does the temporary folder take it: /,
  );
  expect(exitCode).toBe(1);
  expect(JSON.parse(await readFile(stays, 'utf8'))).toMatchObject({ complete: true });
});

test('standard output that takes nothing: exit code 2 before the run', async () => {
  const { exitCode, stderr } = await runInProcess(SHORT, { stdoutFile: '/dev/full' });
  expect(stderr).toMatch(/^mtad: Cannot write standard output: ENOSPC[^\n]*\n$/);
  expect(exitCode).toBe(2);
});

/** A disk of two pages, seen by no other process. */
const MOUNT = ['--map-root-user', '--mount', 'sh', '-c'];
const mayMount = spawnSync('unshare', [...MOUNT, 'mount -t tmpfs tmpfs /mnt']).status === 0;

test.skipIf(!mayMount).concurrent('a full disk: what fits is written, what does not is rescued', async () => {
  const { gone: disk, refuge } = await folders();
  const on = (name: string) => join(disk, name);
  const command = [...SHORT, '--output', on('a.csv'), '--output', on('a.json')];
  const script = `mount -t tmpfs -o size=8k tmpfs "$0" && "$@"; code=$?; cat "$0/a.csv" >&2; exit $code`;
  const { exitCode, stdout, stderr } = await execa(
    'unshare',
    [...MOUNT, script, disk, process.execPath, ...MTAD, ...command],
    { reject: false, env: { TMPDIR: refuge } },
  );
  expect(stderr).toMatch(/^mtad: Cannot write \S*a\.json: ENOSPC[^\n]*; it is in \S*refuge\S* instead/);
  expect(exitCode).toBe(1);
  expect(parseCsv(stderr.split('\n').slice(1).join('\n'))).toMatchObject([{ setting: 'autoregressive' }]);
  expect(parsePlainTable(stdout)).toHaveLength(1);
  expect(JSON.parse(await rescuedIn(refuge, 'a.json'))).toMatchObject({ complete: true });
});

const FORMATS: readonly (readonly [format: string, complete: boolean])[] = [
  ['json', true],
  ['jsonl', false], // ends with the first line that is lost
];
test.skipIf(!mayMount).concurrent.each(firstOf(1, FORMATS))(
  'a disk that is too small for standard output as %s: it is rescued, the files are in their place',
  async (format, complete) => {
    const { gone: disk, folder, refuge } = await folders();
    const [stays, other] = [join(folder, 'stays.json'), join(disk, 'a.md')];
    const script = `mount -t tmpfs -o size=4k tmpfs "$0" && "$@" > "$0/stdout"`;
    const run = [...SHORT, '--limit', '9', '--format', format, '--output', other, '--output', stays];
    const { exitCode, stderr } = await execa(
      'unshare',
      [...MOUNT, script, disk, process.execPath, ...MTAD, ...run],
      {
        reject: false,
        env: { TMPDIR: refuge },
      },
    );
    expect(stderr).toMatch(
      /^mtad: Cannot write standard output: ENOSPC[^\n]*; it is in \S*refuge\S* instead/,
    );
    expect(stderr).toMatch(/; Cannot write \S*a\.md: ENOSPC[^\n]*; it is in \S*refuge\S* instead/);
    expect(exitCode).toBe(1);
    const report = JSON.parse(await readFile(stays, 'utf8'));
    expect(report).toMatchObject({ complete });
    const rescued = await rescuedIn(refuge, `benchmark.${format}`);
    if (format === 'json') expect(JSON.parse(rescued)).toEqual(report);
    else expect(parseJsonLines(rescued)).toHaveLength(report.generations.length + 1);
  },
);

test
  .skipIf(!mayMount)
  .concurrent('a disk without room for standard output: exit code 2 before the run', async () => {
    const { gone: disk } = await folders();
    const script = `mount -t tmpfs -o size=4k tmpfs "$0" && echo > "$0/full" && "$@" > "$0/stdout"`;
    const { exitCode, stderr } = await execa(
      'unshare',
      [...MOUNT, script, disk, process.execPath, ...MTAD, ...SHORT],
      { reject: false },
    );
    expect(stderr).toBe('mtad: Cannot write standard output: the disk is full');
    expect(exitCode).toBe(2);
  });

test.concurrent('a reader that leaves early ends the run: silence, exit code 0, the files say incomplete', async () => {
  const file = join((await folders()).folder, 'a.json');
  const command = `${MTAD_IN_SHELL} "$@" < /dev/null | head -n 1; echo "\${PIPESTATUS[0]}"`;
  const { stdout, stderr } = await execa('bash', [
    '-c',
    command,
    'bash',
    ...LONG,
    ...['--format', 'jsonl', '--fail-below', '1', '--output', file],
  ]);
  const [line, code] = stdout.split('\n');
  expect(JSON.parse(line!)).toMatchObject({ type: 'generation' });
  expect({ code, stderr }).toEqual({ code: '0', stderr: '' });
  expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({ complete: false });
});
