import { execFile } from 'node:child_process';
import { chmod } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterEach, describe, expect, it } from 'vitest';
import { NoCounter } from '../../src/energy/counters.js';
import { diesShareCounter, openRapl } from '../../src/energy/rapl.js';
import { type FakePowercap, type FakeZone, fakePowercap } from '../support/fake-powercap.js';

let powercap: FakePowercap | undefined;
afterEach(() => powercap?.dispose());

async function rootOf(zones: Record<string, FakeZone>): Promise<string> {
  powercap = await fakePowercap(zones);
  return powercap.root;
}

/** A server of two packages, with every zone that must not be added to them. */
const TWO_PACKAGES = {
  'intel-rapl-mmio:0': { name: 'package-0', energy: 7_000_000 },
  'intel-rapl-mmio:0:0': { name: 'dram', energy: 7_000_000 },
  'intel-rapl:0': { name: 'package-0', energy: 1_500_000 },
  'intel-rapl:0:0': { name: 'core', energy: 900_000 },
  'intel-rapl:0:1': { name: 'dram', energy: 300_000 },
  'intel-rapl:1': { name: 'package-1', energy: 2_250_000 },
  'intel-rapl:1:0': { name: 'uncore', energy: 900_000 },
  'intel-rapl:2': { name: 'psys', energy: 9_000_000 },
  'intel-rapl:2:0': { name: 'package-2', energy: 9_000_000 }, // whatever lies within a zone is in its count
};
const TWO_DIES = {
  'intel-rapl:0': { name: 'package-0-die-0', energy: 1_000_000 },
  'intel-rapl:1': { name: 'package-0-die-1', energy: 1_000_000 },
};

describe('openRapl', () => {
  it('counts each package once, and nothing else', async () => {
    const rapl = openRapl(await rootOf(TWO_PACKAGES), false);
    expect(rapl.source).toBe('RAPL package-0, package-1');
    expect(rapl.read()).toEqual([
      { name: 'package-0', joules: 1.5, range: 262_143.32885 },
      { name: 'package-1', joules: 2.25, range: 262_143.32885 },
    ]);
  });

  it('reads anew each time', async () => {
    const rapl = openRapl(await rootOf(TWO_PACKAGES), false);
    await powercap!.setEnergy('intel-rapl:1', 3_000_000);
    expect(rapl.read().map(({ joules }) => joules)).toEqual([1.5, 3]);
  });

  it('takes the other driver where it alone shows the packages', async () => {
    const zones = { 'intel-rapl-mmio:0': TWO_PACKAGES['intel-rapl-mmio:0'] };
    expect(openRapl(await rootOf(zones), false).read()).toMatchObject([{ name: 'package-0', joules: 7 }]);
  });

  it('takes packages in the order of their numbers', async () => {
    const packages = Array.from({ length: 12 }, (_, i) => [
      `intel-rapl:${i}`,
      { name: `package-${i}`, energy: i },
    ]);
    const rapl = openRapl(await rootOf(Object.fromEntries(packages)), false);
    expect(rapl.source).toMatch(/^RAPL package-0, package-1, package-2, .*package-11$/);
  });

  it('adds up dies that count apart', async () => {
    expect(openRapl(await rootOf(TWO_DIES), false).source).toBe('RAPL package-0-die-0, package-0-die-1');
  });

  it('takes one of the dies that all show their package', async () => {
    const rapl = openRapl(await rootOf(TWO_DIES), true);
    expect(rapl.source).toBe('RAPL package-0');
    expect(rapl.read()).toHaveLength(1);
  });

  it.each([
    ['text', 'n/a'],
    ['nothing', ''],
    ['a negative number', -5],
    ['more than a number holds', '99999999999999999999'],
  ])('refuses a counter that holds %s', async (_, energy) => {
    const root = await rootOf({ 'intel-rapl:0': { name: 'package-0', energy } });
    expect(() => openRapl(root, false)).toThrow(/energy_uj holds ".*", not a count of microjoules/);
  });

  it('refuses a counter that does not say where it wraps around', async () => {
    const root = await rootOf({ 'intel-rapl:0': { name: 'package-0', energy: 5, range: 0 } });
    expect(() => openRapl(root, false)).toThrow(/does not say where its counter wraps around/);
  });

  it('says what to do where there is no folder of counters', () => {
    expect(() => openRapl('/nowhere/powercap', false)).toThrow(
      /^there is no \/nowhere\/powercap \(virtual machine, container, .*sudo modprobe intel_rapl_msr\)$/,
    );
  });

  it('says so where no package is among the zones', async () => {
    const root = await rootOf({ 'intel-rapl:0': { name: 'psys', energy: 5 } });
    expect(() => openRapl(root, false)).toThrow(/shows no processor package/);
  });

  it('says so where links lead nowhere, as in a container', async () => {
    const root = await rootOf(TWO_PACKAGES);
    await powercap!.remove('intel-rapl:0');
    expect(() => openRapl(root, false)).toThrow(/intel-rapl:0\/name, though its zone is listed.*container/);
  });

  it('throws, as a counter it knows, where a zone goes away', async () => {
    const rapl = openRapl(await rootOf(TWO_PACKAGES), false);
    await powercap!.remove('intel-rapl:1');
    expect(() => rapl.read()).toThrow(NoCounter);
  });

  it.skipIf(process.platform === 'win32')('gives the command that grants permission', async () => {
    const root = await rootOf(TWO_PACKAGES);
    await chmod(dirname(dirname(root)), 0o755);
    await chmod(join(root, 'intel-rapl:0/energy_uj'), 0);
    const program = fileURLToPath(new URL('as-nobody.ts', import.meta.url));
    const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', program, root]);
    expect(JSON.parse(stdout)).toEqual({
      source: null,
      reason:
        `CPU not counted: no permission to read ${root}/intel-rapl:0/energy_uj ` +
        `(sudo chmod a+r ${root}/intel-rapl:*/energy_uj gives it until the next boot)`,
      reading: null,
    });
  });
});

describe('diesShareCounter', () => {
  it.each([
    ['AMD Ryzen Threadripper 1950X 16-Core Processor', true],
    ['AMD EPYC 7551 32-Core Processor', true],
    ['Hygon C86 7185 32-core Processor', true],
    ['Intel(R) Xeon(R) Platinum 9242 CPU @ 2.30GHz', false],
    ['', false],
  ])('holds for %j: %s', (model, shared) => {
    expect(diesShareCounter(model)).toBe(shared);
  });
});
