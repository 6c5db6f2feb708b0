import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { generate } from '../../src/generation/generate.js';
import { createRng } from '../../src/math/rng.js';
import { loadPair, type Pair } from '../../src/models/pair.js';
import { chatPair } from '../support/chat-models.js';
import { openMalloc } from './malloc.js';
import { openMixedWork } from './mixed-work.js';
import { runBeside } from './second-process.js';

/** How long it works, while other processes of mtad load the machine. */
const MINUTES = Number(process.env.MTAD_SOAK_MINUTES ?? 120);
if (!Number.isInteger(MINUTES) || MINUTES < 8)
  throw new RangeError(
    `MTAD_SOAK_MINUTES must be a whole number of at least 8, not ${process.env.MTAD_SOAK_MINUTES}`,
  );
const RARELY = 25; // rounds from one rare job to the next
const MIB = 2 ** 20;

/**
 * What the last quarter of the minutes may have more than the first: memory by the median, since garbage comes and goes, the
 * others by the most. Of descriptors, eight are both ends of four connections of clients, which stay open for some seconds.
 */
const MOST_GROWTH = { mib: 64, nativeMib: 32, descriptors: 8 + 4, threads: 4 };
/** Of the first quarter's speed by the median, in processor time, which other programs change less than time by the clock. */
const LEAST_SPEED = 0.7;

/** The process at the end of a minute; descriptors and threads are 0 where there is no /proc. */
interface Minute {
  readonly mib: number;
  /** What native code holds of it; 0 where the C library does not tell. */
  readonly nativeMib: number;
  readonly descriptors: number;
  readonly threads: number;
  /** Tokens of the probe by second of processor time. */
  readonly speed: number;
}

const countIn = async (folder: string) => (await readdir(folder).catch(() => [])).length;
const median = (numbers: readonly number[]) => numbers.toSorted((a, b) => a - b)[numbers.length >> 1]!;
const say = (line: string) => process.stdout.write(`${line}\n`);

/** Writes the same text each time. */
async function probe(pair: Pair) {
  const settings = {
    strategy: 'speculative',
    draftLength: 4,
    seed: 1,
    maxTokens: 512,
    ignoreEos: true,
  } as const;
  const [cpu, started] = [process.cpuUsage(), performance.now()];
  let text = '';
  for await (const event of generate(pair, 'Once upon a time', settings, { threads: 1 }))
    if (event.type === 'end') text = event.result.text;
  const { user, system } = process.cpuUsage(cpu);
  const seconds = (performance.now() - started) / 1000;
  return {
    text,
    speed: (1e6 * settings.maxTokens) / (user + system),
    clockSpeed: settings.maxTokens / seconds,
  };
}

it(`keeps memory, descriptors, threads and speed for ${MINUTES} minutes of mixed work`, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'mtad-hours-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const files = await chatPair(folder);
  const pair = await loadPair({ ...files, gpu: 'off' });
  const work = await openMixedWork(files);
  const rng = createRng(1);
  const rareJobs = [...work.rareJobs];
  const done = new Map<string, number>();
  const minutes: Minute[] = [];
  const bytesInUse = openMalloc() ?? (() => 0);
  let tokens = 0;
  const first = await probe(pair);
  const endBeside = runBeside();
  onTestFinished(async () => void (await endBeside()));

  const started = performance.now();
  for (let round = 1; minutes.length < MINUTES; round++) {
    const rare = round % RARELY === 0 ? [rareJobs[(round / RARELY) % rareJobs.length]!] : [];
    for (const [name, job] of [...work.jobs, ...rare]) {
      tokens += await job(rng);
      done.set(name, (done.get(name) ?? 0) + 1);
    }
    if (performance.now() - started < 60_000 * (minutes.length + 1)) continue;
    const { text, speed, clockSpeed } = await probe(pair);
    expect(text).toBe(first.text);
    const [descriptors, threads] = [await countIn('/proc/self/fd'), await countIn('/proc/self/task')];
    const mib = Math.round(process.memoryUsage().rss / MIB);
    const nativeMib = Math.round(bytesInUse() / MIB);
    minutes.push({ mib, nativeMib, descriptors, threads, speed });
    say(
      `minute ${minutes.length}: ${tokens} tokens, ${mib} MiB (${nativeMib} in use by native code), ${descriptors} descriptors, ${threads} threads, ` +
        `${Math.round(clockSpeed)} tokens/s (${Math.round(speed)} by processor time)`,
    );
  }
  const beside = await endBeside();
  await work.dispose();
  await pair.dispose();

  say(`${beside.runs} runs of mtad beside it`);
  expect(beside.endings).toEqual([{ exitCode: 0, stdout: expect.stringMatching(/\S/), stderr: '' }]);
  say([...done].map(([name, times]) => `${times} ${name}`).join(', '));
  const quarter = Math.ceil(MINUTES / 4);
  const typical = (part: readonly Minute[]) => ({
    mib: median(part.map(({ mib }) => mib)),
    nativeMib: median(part.map(({ nativeMib }) => nativeMib)),
    descriptors: Math.max(...part.map(({ descriptors }) => descriptors)),
    threads: Math.max(...part.map(({ threads }) => threads)),
    speed: median(part.map(({ speed }) => speed)),
  });
  const [before, after] = [typical(minutes.slice(0, quarter)), typical(minutes.slice(-quarter))];
  say(`first quarter ${JSON.stringify(before)}, last quarter ${JSON.stringify(after)}`);
  expect(after.mib - before.mib).toBeLessThanOrEqual(MOST_GROWTH.mib);
  expect(after.nativeMib - before.nativeMib).toBeLessThanOrEqual(MOST_GROWTH.nativeMib);
  expect(after.descriptors - before.descriptors).toBeLessThanOrEqual(MOST_GROWTH.descriptors);
  expect(after.threads - before.threads).toBeLessThanOrEqual(MOST_GROWTH.threads);
  expect(after.speed / before.speed).toBeGreaterThanOrEqual(LEAST_SPEED);
});
