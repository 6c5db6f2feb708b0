import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { joulesBetween } from '../../src/energy/counters.js';
import { idleWatts, type Meter, type MeterOptions, openMeter } from '../../src/energy/meter.js';
import { NO_COMPILER } from '../support/c-library.js';
import { fakeNvml } from '../support/fake-nvml.js';
import { type FakePowercap, fakePowercap } from '../support/fake-powercap.js';

const RANGE = 65_536_000_000; // µJ

let dir: string;
let powercap: FakePowercap;
let meter: Meter | undefined;
let ms: number;
beforeEach(async () => {
  ms = 0;
  dir = await mkdtemp(join(tmpdir(), 'mtad-meter-'));
  powercap = await fakePowercap({
    'intel-rapl:0': { name: 'package-0', energy: 1_000_000, range: RANGE },
    'intel-rapl:1': { name: 'package-1', energy: RANGE - 2_000_000, range: RANGE },
  });
});
afterEach(async () => {
  meter?.dispose();
  vi.useRealTimers();
  await powercap.dispose();
  await rm(dir, { recursive: true, force: true });
});

/** A meter over made-up counters, and no GPU unless one is given. */
async function open(options: Partial<MeterOptions> = {}): Promise<Meter> {
  meter = await openMeter({
    backend: 'cpu',
    now: () => ms,
    platform: 'linux',
    cpuModel: 'Intel',
    powercap: powercap.root,
    nvml: join(dir, 'libnvidia-ml.so.1'),
    ...options,
  });
  return meter;
}

/** Time passes, and every package takes that much. */
async function pass(seconds: number, [first, second]: readonly [number, number]): Promise<void> {
  ms += seconds * 1000;
  await powercap.setEnergy('intel-rapl:0', first);
  await powercap.setEnergy('intel-rapl:1', second);
}

describe('a meter', () => {
  it('counts what all packages take between two readings, also where one begins again', async () => {
    const meter = await open();
    expect(meter).toMatchObject({ source: 'RAPL package-0, package-1', reason: null });
    const before = await meter.read();
    await pass(2, [31_000_000, 5_000_000]);
    expect(joulesBetween(before, await meter.read())).toBeCloseTo(30 + 7, 6);
  });

  it('reads in between, so that a counter may begin again any number of times', async () => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const meter = await open();
    const before = await meter.read();
    for (let tenth = 1; tenth <= 100; tenth++) {
      const first = (1_000_000 + tenth * 5_000_000_000) % RANGE; // 500 W
      await pass(10, [first, RANGE - 2_000_000]);
      vi.advanceTimersByTime(10_000);
    }
    expect(joulesBetween(before, await meter.read())).toBeCloseTo(500_000, 3);
  });

  it('does not tell where it could not read for too long', async () => {
    const meter = await open();
    const before = await meter.read();
    await pass(33, [2_000_000, RANGE - 2_000_000]);
    expect(joulesBetween(before, await meter.read())).toBeNull();
  });

  it('has no reading while a counter is away, and tells nothing across the gap', async () => {
    const meter = await open();
    const before = await meter.read();
    await powercap.setEnergy('intel-rapl:1', 'n/a');
    expect(await meter.read()).toBeNull();
    await pass(1, [2_000_000, RANGE - 1_000_000]);
    const after = await meter.read();
    expect(joulesBetween(before, after)).toBeNull();
    await pass(1, [5_000_000, RANGE - 1_000_000]);
    expect(joulesBetween(after, await meter.read())).toBeCloseTo(3, 6);
  });

  it('survives zones that go away for good', async () => {
    const meter = await open();
    await powercap.remove('intel-rapl:0');
    expect(await meter.read()).toBeNull();
    expect(await meter.read()).toBeNull();
  });

  it('has no reading after it is disposed of', async () => {
    const meter = await open();
    meter.dispose();
    meter.dispose();
    expect(await meter.read()).toBeNull();
  });

  it.each(['cuda', 'vulkan'] as const)('says on %s that the GPU is not counted', async (backend) => {
    const meter = await open({ backend });
    expect(meter.source).toBe('RAPL package-0, package-1');
    expect(meter.reason).toMatch(/^GPU not counted: .*libnvidia-ml\.so\.1 cannot be loaded/);
    expect(await meter.read()).not.toBeNull();
  });

  it.each([
    ['darwin', 'metal', 'CPU and GPU not counted: mtad reads no such counter on macOS'],
    ['win32', 'cpu', 'CPU not counted: mtad reads no such counter on Windows'],
    ['freebsd', 'cpu', 'CPU not counted: mtad reads no such counter on freebsd'],
  ] as const)('says on %s with %s that there is none', async (platform, backend, reason) => {
    const meter = await open({ platform, backend });
    expect(meter).toMatchObject({ source: null, reason });
    expect(await meter.read()).toBeNull();
  });

  it('gives all reasons in one line', async () => {
    const meter = await open({ backend: 'cuda', powercap: '/nowhere/powercap' });
    expect(meter.source).toBeNull();
    expect(meter.reason).toMatch(/^CPU not counted: there is no .*; GPU not counted: .*$/);
  });

  it.each(['cpu', 'cuda', 'vulkan', 'metal'] as const)('opens on this machine for %s', async (backend) => {
    meter = await openMeter({ backend });
    if (meter.source === null) expect(meter.reason).toMatch(/not counted: ./);
    const before = await meter.read();
    expect(before === null).toBe(meter.source === null);
    if (before) expect(joulesBetween(before, await meter.read())).toBeGreaterThanOrEqual(0);
  });
});

describe('a meter of GPUs', () => {
  const test = it.skipIf(NO_COMPILER); // nvidia.test.ts prints why

  test('adds them to the packages', async () => {
    const meter = await open({ backend: 'cuda', nvml: await fakeNvml(dir, { gpus: 1 }) });
    expect(meter).toMatchObject({ source: 'RAPL package-0, package-1 + NVML 1 GPU', reason: null });
    const before = await meter.read();
    await pass(2, [31_000_000, 5_000_000]);
    expect(joulesBetween(before, await meter.read())).toBeCloseTo(30 + 7 + 1.5, 6);
  });

  test('counts them alone where the packages are not to be had', async () => {
    const nvml = await fakeNvml(dir, { gpus: 2 });
    const meter = await open({ backend: 'vulkan', nvml, platform: 'win32' });
    expect(meter.source).toBe('NVML 2 GPUs');
    expect(meter.reason).toBe('CPU not counted: mtad reads no such counter on Windows');
    const before = await meter.read();
    expect(joulesBetween(before, await meter.read())).toBe(1.5 + 3);
  });

  test('leaves them out where models run on the CPU', async () => {
    const meter = await open({ nvml: await fakeNvml(dir, { gpus: 1 }) });
    expect(meter).toMatchObject({ source: 'RAPL package-0, package-1', reason: null });
  });
});

describe('idleWatts', () => {
  it('is what the counters grow by while the machine sleeps', async () => {
    const sleep = (sleptMs: number) => pass(sleptMs / 1000, [13_000_000, RANGE - 1_000_000]);
    expect(await idleWatts(await open(), 2000, () => ms, sleep)).toBeCloseTo((12 + 1) / 2, 6);
  });

  it('is null, and takes no time, where nothing counts', async () => {
    const sleep = vi.fn();
    expect(await idleWatts(await open({ platform: 'darwin' }), 2000, () => ms, sleep)).toBeNull();
    expect(sleep).not.toHaveBeenCalled();
  });

  it('is null where a counter goes away meanwhile', async () => {
    const sleep = () => powercap.remove('intel-rapl:1');
    expect(await idleWatts(await open(), 2000, () => ms, sleep)).toBeNull();
  });
});
