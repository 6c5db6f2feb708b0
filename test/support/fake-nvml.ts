import { compileLibrary } from './c-library.js';

export interface FakeGpus {
  readonly gpus: number; // [0..8]
  readonly init?: number; // what nvmlInit_v2 returns
  readonly forbidden?: number; // index of a GPU that cannot be opened
  readonly unsupported?: number; // index of a GPU without the counter
}

/** Compiles a libnvidia-ml with these answers. @returns its path */
export function fakeNvml(dir: string, fake: FakeGpus): Promise<string> {
  const { gpus, init = 0, forbidden = 99, unsupported = 99 } = fake;
  const answers = { GPUS: gpus, INIT: init, FORBIDDEN: forbidden, UNSUPPORTED: unsupported };
  return compileLibrary(dir, 'fake-nvml.c', answers);
}
