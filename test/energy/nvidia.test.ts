import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import koffi from 'koffi';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openNvidia } from '../../src/energy/nvidia.js';
import { NO_COMPILER } from '../support/c-library.js';
import { fakeNvml } from '../support/fake-nvml.js';

let dir: string;
beforeAll(async () => {
  if (NO_COMPILER) process.stderr.write(`NVML is not tested: ${NO_COMPILER}\n`);
  dir = await mkdtemp(join(tmpdir(), 'mtad-nvml-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

/** How often the library at `path` is open. */
const openCount = (path: string): number => koffi.load(path).func('int fake_open_count()')();

describe('openNvidia', () => {
  it('refuses what is no library', async () => {
    await expect(openNvidia('libnvidia-nothing.so.1')).rejects.toThrow(
      /^libnvidia-nothing\.so\.1 cannot be loaded/,
    );
    await writeFile(join(dir, 'text.so'), 'text');
    await expect(openNvidia(join(dir, 'text.so'))).rejects.toThrow(/text\.so cannot be loaded/);
  });
});

describe('openNvidia, on made-up GPUs', () => {
  const test = it.skipIf(NO_COMPILER);

  test('reads every GPU, in joules, beyond 32 bits', async () => {
    const nvml = await openNvidia(await fakeNvml(dir, { gpus: 3 }));
    expect(nvml.source).toBe('NVML 3 GPUs');
    const [before, after] = [nvml.read(), nvml.read()]; // the first reading was taken on opening
    expect(before.map(({ joules }) => joules)).toEqual([5_000_003, 5_000_006, 5_000_009]);
    expect(after.map(({ joules }, i) => joules - before[i]!.joules)).toEqual([1.5, 3, 4.5]);
    nvml.close();
  });

  test('leaves a GPU out that this process may not talk to', async () => {
    const nvml = await openNvidia(await fakeNvml(dir, { gpus: 2, forbidden: 0 }));
    expect(nvml.source).toBe('NVML 1 GPU');
    expect(nvml.read()).toMatchObject([{ name: 'GPU 1' }]);
    nvml.close();
  });

  test.each([
    ['0', ['GPU 0']],
    ['2, 0', ['GPU 2', 'GPU 0']],
    ['GPU-1111', ['GPU 1']],
    ['GPU-2,GPU-00000000-0000-0000-0000-000000000000', ['GPU 2', 'GPU 0']],
    ['0,-1,1', ['GPU 0']], // as CUDA reads it
  ])('reads those that CUDA_VISIBLE_DEVICES=%s lets through', async (visible, names) => {
    const nvml = await openNvidia(await fakeNvml(dir, { gpus: 3 }), visible);
    expect(nvml.read().map(({ name }) => name)).toEqual(names);
    nvml.close();
  });

  test.each(['', '-1', '3', 'MIG-0', 'GPU-3'])('finds none where it says "%s"', async (visible) => {
    const path = await fakeNvml(dir, { gpus: 3 });
    await expect(openNvidia(path, visible)).rejects.toThrow(`CUDA_VISIBLE_DEVICES=${visible} names no GPU`);
    expect(openCount(path)).toBe(0);
  });

  test('closes what it opened', async () => {
    const path = await fakeNvml(dir, { gpus: 1 });
    const nvml = await openNvidia(path);
    expect(openCount(path)).toBe(1);
    nvml.close();
    expect(openCount(path)).toBe(0);
    expect(() => nvml.read()).toThrow(/NVML does not tell the energy of GPU 0/);
  });

  test.each([
    ['a GPU without the counter', { gpus: 2, unsupported: 1 }, /energy of GPU 1: Not Supported$/],
    ['a driver that is not loaded', { gpus: 1, init: 9 }, /does not start: Driver Not Loaded$/],
    ['a machine without a GPU', { gpus: 0 }, /shows no GPU/],
    ['a machine with none for us', { gpus: 1, forbidden: 0 }, /shows no GPU/],
  ])('refuses %s, and leaves nothing open', async (_, fake, reason) => {
    const path = await fakeNvml(dir, fake);
    await expect(openNvidia(path)).rejects.toThrow(reason);
    expect(openCount(path)).toBe(0);
  });

  test('leaves the direct engine the stack it needs', async () => {
    const program = fileURLToPath(new URL('stack-after-nvml.ts', import.meta.url));
    const args = ['--import', 'tsx', program, await fakeNvml(dir, { gpus: 1 })];
    const { stdout } = await promisify(execFile)(process.execPath, args);
    expect(JSON.parse(stdout)).toEqual({
      source: expect.stringMatching(/NVML 1 GPU$/),
      name: 'direct',
    });
  });
});
