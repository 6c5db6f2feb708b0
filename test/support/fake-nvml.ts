import { execFile, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

export interface FakeGpus {
  readonly gpus: number; // [0..8]
  readonly init?: number; // what nvmlInit_v2 returns
  readonly forbidden?: number; // index of a GPU that cannot be opened
  readonly unsupported?: number; // index of a GPU without the counter
}

/** Why no library can be made up here, or undefined. */
export const NO_COMPILER =
  process.platform === 'win32' || spawnSync('cc', ['--version']).status !== 0
    ? 'no C compiler (cc) on this machine'
    : undefined;

/** Compiles a libnvidia-ml with these answers. @returns its path */
export async function fakeNvml(dir: string, fake: FakeGpus): Promise<string> {
  const { gpus, init = 0, forbidden = 99, unsupported = 99 } = fake;
  const path = join(dir, `libnvidia-ml-${gpus}-${init}-${forbidden}-${unsupported}.so`);
  const source = fileURLToPath(new URL('fake-nvml.c', import.meta.url));
  const answers = { GPUS: gpus, INIT: init, FORBIDDEN: forbidden, UNSUPPORTED: unsupported };
  const macros = Object.entries(answers).map(([name, value]) => `-D${name}=${value}`);
  await promisify(execFile)('cc', ['-shared', '-fPIC', ...macros, '-o', path, source]);
  return path;
}
