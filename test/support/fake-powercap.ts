import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';

/** A zone's files, under the kernel's name for its folder: 'intel-rapl:0', 'intel-rapl:0:1', ... */
export interface FakeZone {
  readonly name: string;
  readonly energy: number | string; // µJ
  readonly range?: number | string; // µJ
}

export interface FakePowercap {
  readonly root: string; // as /sys/class/powercap
  setEnergy(zone: string, energy: number | string): Promise<void>; // µJ
  remove(zone: string): Promise<void>; // what is there, not the link to it
  dispose(): Promise<void>;
}

/** What the kernel shows: the zones as folders within folders, and a flat folder of relative links to them. */
export async function fakePowercap(zones: Record<string, FakeZone>): Promise<FakePowercap> {
  const sys = await mkdtemp(join(tmpdir(), 'mtad-powercap-'));
  const root = join(sys, 'class/powercap');
  const devices = join(sys, 'devices/virtual/powercap');
  await mkdir(root, { recursive: true });
  const link = (folder: string, name: string) => symlink(relative(root, folder), join(root, name));
  for (const driver of new Set(Object.keys(zones).map((zone) => zone.split(':')[0]!))) {
    await mkdir(join(devices, driver), { recursive: true });
    await writeFile(join(devices, driver, 'enabled'), '1\n');
    await link(join(devices, driver), driver);
  }
  /** 'a:0:1' lies in a/a:0/a:0:1. */
  const folderOf = (zone: string) =>
    join(devices, ...zone.split(':').map((_, i, parts) => parts.slice(0, i + 1).join(':')));
  for (const [zone, { name, energy, range = 262_143_328_850 }] of Object.entries(zones)) {
    await mkdir(folderOf(zone), { recursive: true });
    await writeFile(join(folderOf(zone), 'name'), `${name}\n`);
    await writeFile(join(folderOf(zone), 'energy_uj'), `${energy}\n`);
    await writeFile(join(folderOf(zone), 'max_energy_range_uj'), `${range}\n`);
    await link(folderOf(zone), zone);
  }
  return {
    root,
    setEnergy: (zone, energy) => writeFile(join(folderOf(zone), 'energy_uj'), `${energy}\n`),
    remove: (zone) => rm(folderOf(zone), { recursive: true }),
    dispose: () => rm(sys, { recursive: true, force: true }),
  };
}
