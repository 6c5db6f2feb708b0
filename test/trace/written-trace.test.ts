/** Traces as the command line tool writes them, whole and interrupted. */
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readTrace } from '../../src/trace/read-trace.js';
import { replay, reproduces } from '../../src/trace/replay.js';
import { mtad } from '../support/cli.js';
import { runInProcess } from '../support/run-in-process.js';
import { tries } from '../support/tries.js';

let folder: string;
let file: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mtad-trace-'));
  file = join(folder, 'trace.jsonl');
});
afterAll(() => rm(folder, { recursive: true }));

const STORY = ['Once upon a time', '-q', '-t', '1', '--seed', '4'];

describe('a trace that `mtad --trace` wrote', () => {
  it.each([
    ['--strategy mtad -n 100', { threshold: 0.5, draftLength: 4, clip: false }],
    ['--strategy mtad --clip -k 6 --threshold 0.3 -n 100', { threshold: 0.3, draftLength: 6, clip: true }],
    ['--strategy mtad --temperature 0 --stop .', { threshold: 0.5, draftLength: 4, clip: false }],
    [
      '--strategy mmtad --beam-width 3 --threshold 0.8 --stop was -n 100',
      { threshold: 0.8, draftLength: 4, clip: false },
    ],
    [
      '--strategy mtad --draft lookup --threshold 0.05 -n 7',
      { threshold: 0.05, draftLength: 4, clip: false },
    ],
  ])('is decided as recorded: %s', async (options, rule) => {
    const run = await runInProcess([...STORY, ...options.split(' '), '--json', '--trace', file]);
    const { speculation, strategy } = JSON.parse(run.stdout);
    const trace = await readTrace(file);
    expect(trace).toMatchObject({ file, strategy, rule, cutOff: null });
    const steps = speculation.target_passes;
    expect(reproduces(trace)).toEqual({ steps, asRecorded: steps, differences: [] });
    expect(replay(trace)).toMatchObject({
      drafted: speculation.drafted,
      accepted: speculation.accepted,
      acceptedByPosition: speculation.accepted_by_position,
      tokensPerPass: speculation.block_efficiency,
    });
  });

  it('has the beam width of each step where it follows the repetition, and is decided as recorded', async () => {
    const options = '--strategy mtad --beam-width 4 --draft-length 4 --repetition 0.2 -n 60'.split(' ');
    await runInProcess([...STORY, ...options, '--trace', file]);
    const lines = (await readFile(file, 'utf8')).trim().split('\n').slice(1);
    const widths = lines.map((line) => JSON.parse(line).beam_width as number);
    expect(widths[0]).toBe(1);
    expect(Math.max(...widths)).toBeGreaterThan(1);
    expect(Math.max(...widths)).toBeLessThanOrEqual(4);
    const trace = await readTrace(file);
    const { steps, asRecorded } = reproduces(trace);
    expect(asRecorded).toBe(steps);
  });

  it('of another strategy is refused', async () => {
    await runInProcess([...STORY, '--strategy', 'speculative', '-n', '5', '--trace', file]);
    await expect(readTrace(file)).rejects.toThrow(`${file}, line 1: a trace of speculative`);
  });
});

describe('a trace that was ended in the middle', () => {
  it('has all steps before, and tells of the line that is cut off', async () => {
    await runInProcess([...STORY, '--strategy', 'mmtad', '-n', '24', '--trace', file]);
    const whole = await readFile(file);
    const { steps } = await readTrace(file);
    const outcomes = new Set<string>();
    const firstStep = whole.indexOf('\n', whole.indexOf('\n') + 1);
    for (let end = firstStep; end <= whole.length; end += tries(101, 13)) {
      const part = whole.subarray(0, end);
      await writeFile(file, part);
      const { steps: read, cutOff } = await readTrace(file);
      expect(read).toEqual(steps.slice(0, read.length));
      const started = part.toString().trimEnd().split('\n').length; // lines
      expect(read.length).toBe(cutOff === null ? started - 1 : started - 2);
      if (cutOff !== null) expect(cutOff).toBe(started);
      outcomes.add(typeof cutOff);
    }
    expect(outcomes.size).toBe(2);
  });

  it('can be replayed after the process was killed', async () => {
    await rm(file, { force: true });
    const run = mtad([...STORY, '-n', '9000', '-c', '10000', '--ignore-eos', '--trace', file]);
    const size = () =>
      stat(file).then(
        (found) => found.size,
        () => 0,
      );
    while ((await size()) < 20_000) await setTimeout(20);
    run.kill('SIGKILL');
    await run;
    const { steps, asRecorded } = reproduces(await readTrace(file));
    expect(steps).toBeGreaterThan(20);
    expect(asRecorded).toBe(steps);
  });
});
