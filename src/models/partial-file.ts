import { randomUUID } from 'node:crypto';
import { open, rename, rm, truncate } from 'node:fs/promises';

/** What ipull, the downloader in node-llama-cpp, keeps behind the bytes of a file that is not complete. */
interface Plan {
  readonly part: 0;
  readonly chunks: readonly number[]; // COMPLETE, or to be fetched
  readonly chunkSize: number; // bytes
  readonly parallelStreams: number;
}

const COMPLETE = 2;
const CONNECTIONS = 3;
const CHUNKS = 4096; // of a file, about: all are listed anew when one is complete
const SHORTEST = 2 ** 18; // bytes
const LONGEST = 5 * 2 ** 20;

/**
 * Lays a partial file out for the downloader, which keeps nothing of a chunk but the whole: in smaller ones than its own
 * of 5 MB. A file system that takes no file so long says so here, and not to a library that would try again for minutes.
 * @param bytes of the whole file
 */
export async function layOut(path: string, bytes: number): Promise<void> {
  if (await readPlan(path, bytes)) return;
  const chunkSize = Math.min(LONGEST, Math.max(SHORTEST, Math.ceil(bytes / CHUNKS)));
  const chunks = Array<number>(Math.ceil(bytes / chunkSize)).fill(0);
  const plan: Plan = { part: 0, chunks, chunkSize, parallelStreams: CONNECTIONS };
  await rm(path, { force: true });
  await using file = await open(path, 'wx'); // one that slept up to here empties nobody's
  await file.write(JSON.stringify(plan), bytes);
}

/** @returns how many bytes of a partial file the downloader will not ask for again */
export async function bytesKept(path: string, bytes: number): Promise<number> {
  const { chunks = [], chunkSize = 0 } = (await readPlan(path, bytes)) ?? {};
  return Math.min(bytes, chunks.filter((chunk) => chunk === COMPLETE).length * chunkSize);
}

/**
 * Makes another file of a partial one, in its place: one that sleeps with it open writes no more into what it becomes.
 * Where there is no room for both, nothing is kept.
 */
export async function renew(path: string, bytes: number): Promise<void> {
  const copy = `${path}.${randomUUID()}`;
  try {
    await copyKept(path, copy, bytes);
    await rename(copy, path);
  } catch {
    for (const one of [copy, path]) await rm(one, { force: true });
  }
}

/** @throws where there is no plan in it */
async function copyKept(path: string, copy: string, bytes: number): Promise<void> {
  const plan = await readPlan(path, bytes);
  if (!plan) throw new Error(`${path} is not laid out`);
  await using from = await open(path);
  await using to = await open(copy, 'wx');
  for (const [i, chunk] of plan.chunks.entries()) {
    if (chunk !== COMPLETE) continue;
    const position = i * plan.chunkSize;
    const length = Math.min(plan.chunkSize, bytes - position);
    const { buffer } = await from.read(Buffer.alloc(length), { position });
    await to.write(buffer, 0, length, position);
  }
  await to.write(JSON.stringify(plan), bytes);
}

/** Takes off what the downloader may have written once more behind a file that was complete: it does not wait for that. */
export async function cutPlanOff(path: string, bytes: number): Promise<void> {
  if (await readPlan(path, bytes)) await truncate(path, bytes);
}

async function readPlan(path: string, bytes: number): Promise<Plan | undefined> {
  try {
    await using file = await open(path);
    const { size } = await file.stat();
    const { buffer } = await file.read(Buffer.alloc(Math.max(0, size - bytes)), { position: bytes });
    return JSON.parse(buffer.toString());
  } catch {
    return undefined;
  }
}
