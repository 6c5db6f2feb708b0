import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { compileLibrary } from './c-library.js';

export interface FakeGpus {
  readonly gpus: number; // [0..8]
  readonly init?: number; // what nvmlInit_v2 returns
  readonly forbidden?: number; // index of a GPU that cannot be opened
  readonly unsupported?: number; // index of a GPU without the counter
}

const compiled = new Map<string, Promise<string>>();
let copies = 0;

/** Makes a libnvidia-ml with these answers, loaded by nobody yet. @returns its path */
export async function fakeNvml(dir: string, fake: FakeGpus): Promise<string> {
  const { gpus, init = 0, forbidden = 99, unsupported = 99 } = fake;
  const answers = { GPUS: gpus, INIT: init, FORBIDDEN: forbidden, UNSUPPORTED: unsupported };
  const key = `${dir} ${JSON.stringify(answers)}`;
  const library = compiled.get(key) ?? compileLibrary(dir, 'fake-nvml.c', answers);
  compiled.set(key, library);
  const path = join(dir, `libnvidia-ml-${copies++}.so`);
  await copyFile(await library, path);
  return path;
}
