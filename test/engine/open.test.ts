import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { openByNodeLlamaCpp } from '../../src/engine/direct/by-node-llama-cpp.js';
import { openInstalled } from '../../src/engine/direct/installed.js';
import { MODEL_DEFAULTS } from '../../src/engine/direct/layout.js';
import { bindLibrary, checkDefaults, DirectUnavailable } from '../../src/engine/direct/library.js';
import { backendOf, deviceFor, sharedLlama } from '../../src/engine/llama/shared-llama.js';
import { createEngine } from '../../src/engine/open.js';
import { UsageError } from '../../src/errors.js';

const GPU_OFF = { gpu: 'off' } as const;

/** Makes the report of this process say something else about it. */
function reportInstead(change: (report: { header: object; sharedObjects: string[] }) => object): void {
  const real = process.report.getReport.bind(process.report);
  vi.spyOn(process.report, 'getReport').mockImplementation(() => change(real() as never));
}
afterEach(() => vi.restoreAllMocks());

/** Has node-llama-cpp choose the build, as on a processor for which no straight way is known; a report without libraries. */
async function withoutLibraries(): Promise<void> {
  await sharedLlama('off');
  vi.spyOn(process, 'arch', 'get').mockReturnValue('riscv64');
  reportInstead((report) => ({ ...report, sharedObjects: [] }));
}

describe('createEngine', () => {
  it('takes the direct engine where it trusts itself, and each by its name', async () => {
    for (const [asked, name] of [
      ['auto', 'direct'],
      ['direct', 'direct'],
      ['bindings', 'bindings'],
    ] as const) {
      const engine = await createEngine(asked, GPU_OFF);
      expect(engine.name).toBe(name);
      await engine.dispose();
    }
  });

  it('else takes node-llama-cpp, and says why', async () => {
    await withoutLibraries();
    const lines: string[] = [];
    const engine = await createEngine('auto', { ...GPU_OFF, log: (line) => lines.push(line) });
    expect(engine.name).toBe('bindings');
    expect(lines[0]).toMatch(/^\[mtad\] the direct engine does not work here: .*; using bindings$/);
    await engine.dispose();
  });

  it('refuses the direct engine by name where it does not trust itself, and says what to do', async () => {
    await withoutLibraries();
    const refused = createEngine('direct', GPU_OFF);
    await expect(refused).rejects.toThrow(UsageError);
    await expect(refused).rejects.toThrow(/use `engine` bindings/);
  });

  it('does not trust a process whose threads have too small a stack', async () => {
    const program = fileURLToPath(new URL('small-stack.mjs', import.meta.url));
    const { stdout } = await promisify(execFile)(process.execPath, [program]);
    expect(JSON.parse(stdout)).toEqual({ name: 'bindings', said: expect.stringContaining('131072') });
  });
});

it('a process that ends while a model is loaded comes to its end', async () => {
  const program = fileURLToPath(new URL('exit-in-load.mjs', import.meta.url));
  await expect(promisify(execFile)(process.execPath, [program])).rejects.toMatchObject({ code: 3 });
});

/** llama.cpp's build for GPUs, where the loader of their drivers is installed and no GPU is there. */
const blind = await sharedLlama('auto').then(async (llama) =>
  llama.gpu && (await llama.getGpuDeviceNames()).length === 0 ? llama : undefined,
);
if (!blind)
  process.stderr.write(
    'A Vulkan without a GPU is not tested: it needs libvulkan1, and a machine without a GPU\n',
  );

describe.skipIf(!blind)('a build for GPUs on a machine without one', () => {
  it('is called what it computes on: the processor', async () => {
    expect(await backendOf(blind!)).toBe('cpu');
    const engine = await createEngine('auto', { gpu: 'auto' });
    expect(engine.backend).toBe('cpu');
    await engine.dispose();
  });

  it.each(['direct', 'bindings'] as const)('puts no layers on it in the engine %s', async (name) => {
    const engine = await createEngine(name, { gpu: 'auto' });
    const model = await engine.loadModel('gguf/stories-draft-f16.gguf', { gpuLayers: 99 });
    const context = await model.createContext({ capacity: 16, sequences: 1 });
    await engine.dispose();
    expect(context.capacity).toBe(16);
  });

  it('is refused by name', async () => {
    await expect(createEngine('auto', { gpu: blind!.gpu || 'vulkan' })).rejects.toThrow(
      /finds no GPU for vulkan.*use `gpu` auto or off/,
    );
  });
});

describe('the library that node-llama-cpp has loaded', () => {
  it('is not trusted where it is of a release that is not known', async () => {
    await expect(bindLibrary(() => [], 'v9.9.9')).rejects.toThrow(/v0\.4\.0.*v9\.9\.9/);
  });

  it('is the same as the one that is opened without it', async () => {
    const [straight, through] = [await openInstalled(GPU_OFF), await openByNodeLlamaCpp('off', false)];
    expect(straight.library.paths[0]).toBe(through.library.paths[0]);
    expect([...straight.library.paths].sort()).toEqual([...through.library.paths].sort());
    expect({ ...straight.versions, cores: straight.mathCores() }).toEqual({
      ...through.versions,
      cores: through.mathCores(),
    });
  });

  it('is not trusted on a system without the GNU C library', async () => {
    reportInstead(({ header, ...rest }) => ({
      ...rest,
      header: { ...header, glibcVersionRuntime: undefined },
    }));
    const platform = vi.spyOn(process, 'platform', 'get').mockReturnValue('linux');
    await expect(openByNodeLlamaCpp('off', false)).rejects.toThrow(/GNU C library/);
    expect(platform).toHaveBeenCalled();
  });

  it('is not guessed where there are two', async () => {
    reportInstead(({ sharedObjects, ...rest }) => ({
      ...rest,
      sharedObjects: sharedObjects.flatMap((path) => [path, path.replace(/([^/]*)$/, 'copy/$1')]),
    }));
    await expect(openByNodeLlamaCpp('off', false)).rejects.toThrow(DirectUnavailable);
  });
});

describe('checkDefaults', () => {
  it('names the first value that is another', () => {
    const check = (found: object) => () => checkDefaults('f', found, MODEL_DEFAULTS);
    expect(check({ ...MODEL_DEFAULTS })).not.toThrow();
    expect(check({ ...MODEL_DEFAULTS, main_gpu: 7, load_mtp: true })).toThrow(/main_gpu 7, not 0/);
    expect(check({ ...MODEL_DEFAULTS, vocab_only: 0 })).toThrow(DirectUnavailable);
  });
});

describe('the device', () => {
  const why = 'the NVIDIA driver is too old';

  it.each([
    { gpu: 'auto', supported: [false], noCuda: undefined, device: 'off' },
    { gpu: 'auto', supported: ['cuda', 'vulkan', false], noCuda: undefined, device: 'auto' },
    { gpu: 'auto', supported: ['cuda', 'vulkan', false], noCuda: why, device: 'auto' },
    { gpu: 'auto', supported: ['cuda', false], noCuda: why, device: 'off' },
    { gpu: 'vulkan', supported: ['cuda', 'vulkan', false], noCuda: why, device: 'vulkan' },
    { gpu: 'cuda', supported: ['cuda', false], noCuda: undefined, device: 'cuda' },
  ] as const)(
    'for $gpu of $supported is $device (no CUDA: $noCuda)',
    ({ gpu, supported, noCuda, device }) => {
      expect(deviceFor(gpu, supported, noCuda)).toBe(device);
    },
  );

  it('is refused where there is none of that kind, or it cannot run', () => {
    expect(() => deviceFor('vulkan', ['cuda', false], undefined)).toThrow(/No llama\.cpp build for vulkan/);
    expect(() => deviceFor('cuda', ['cuda', false], why)).toThrow(
      'CUDA does not work here: the NVIDIA driver is too old; update the driver, or use `gpu` vulkan or off',
    );
  });
});
