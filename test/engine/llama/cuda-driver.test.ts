import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CUDA_BUILD, cudaObstacle } from '../../../src/engine/llama/cuda-driver.js';
import { compileLibrary, NO_COMPILER } from '../../support/c-library.js';
import { firstOf } from '../../support/tries.js';

const BUILD = fileURLToPath(
  new URL(
    '../../../node_modules/@node-llama-cpp/linux-x64-cuda/bins/linux-x64-cuda/libggml-cuda.so',
    import.meta.url,
  ),
);

let dir: string;
beforeAll(async () => {
  if (NO_COMPILER) process.stderr.write(`CUDA drivers are not tested: ${NO_COMPILER}\n`);
  if (!existsSync(BUILD))
    process.stderr.write('The CUDA build is not tested: its package is not installed\n');
  dir = await mkdtemp(join(tmpdir(), 'mtad-cuda-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

describe.skipIf(process.platform !== 'linux' || NO_COMPILER)('cudaObstacle, on made-up drivers', () => {
  const obstacle = async (fake: { version?: number; capability?: number; gpus?: number; init?: number }) => {
    const { version = 13_000, capability = 80, gpus = 1, init = 0 } = fake;
    const answers = { VERSION: version, CAPABILITY: capability, GPUS: gpus, INIT: init };
    const driver = await compileLibrary(dir, 'fake-cuda.c', answers);
    return cudaObstacle({ driver, runtime: driver });
  };

  it('is a GPU that the build has no machine code for, with a driver older than the build', async () => {
    const what =
      "the NVIDIA driver knows CUDA 13.0, and llama.cpp's build for CUDA needs 13.1 on Abacus 9000";
    expect(await obstacle({})).toBe(what);
    expect(await obstacle({ version: 12_080 })).toMatch(/knows CUDA 12\.8, /);
    expect(await obstacle({ capability: 120, gpus: 2 })).toBeUndefined();
    expect(await obstacle({ capability: 121, gpus: 2 })).toMatch(/ on Abacus 9001$/);
  });

  const NONE = [
    ['a GPU that there is machine code for', { capability: 89 }],
    ['no GPU', { gpus: 0 }],
    ['a driver as new as the build', { version: 13_010 }],
    ['a newer driver', { version: 14_000 }],
    ['a driver that does not start', { init: 100 }],
  ] as const;
  it.each(firstOf(3, NONE))('is not %s', async (_, fake) => {
    expect(await obstacle(fake)).toBeUndefined();
  });
});

it('is none where there is no driver, or another build of llama.cpp would run', async () => {
  expect(await cudaObstacle({ driver: 'libcuda-nothing.so', runtime: 'libc.so.6' })).toBeUndefined();
  expect(await cudaObstacle({ driver: 'libc.so.6', runtime: 'libcudart-nothing.so' })).toBeUndefined();
});

it.skipIf(!existsSync(BUILD))('the build was made as we say', async () => {
  const build = await readFile(BUILD);
  const text = build.toString('latin1');
  const releases = new Set(text.match(/Cuda compilation tools, release \d+\.\d+/g));
  const { version } = CUDA_BUILD;
  expect([...releases]).toEqual([
    `Cuda compilation tools, release ${Math.floor(version / 1000)}.${(version % 1000) / 10}`,
  ]);
  expect(machineCodeIn(build)).toEqual(CUDA_BUILD.machineCode);
});

/** The compute capabilities of the ELF images (kind 2) in a library's fat binaries. */
function machineCodeIn(library: Buffer): number[] {
  const found = new Set<number>();
  const magic = Buffer.from([0x50, 0xed, 0x55, 0xba]);
  for (let at = library.indexOf(magic); at !== -1; at = library.indexOf(magic, at + 1)) {
    const [version, headerSize] = [library.readUInt16LE(at + 4), library.readUInt16LE(at + 6)];
    if (version !== 1 || headerSize !== 16) continue;
    const end = at + headerSize + Number(library.readBigUInt64LE(at + 8));
    for (let image = at + headerSize; image < end; ) {
      if (library.readUInt16LE(image) === 2) found.add(library.readUInt32LE(image + 28));
      image += library.readUInt32LE(image + 4) + Number(library.readBigUInt64LE(image + 8));
    }
  }
  return [...found].sort((a, b) => a - b);
}
