import { open, rm, truncate } from 'node:fs/promises';

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
