import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { NoCounter, type Probe } from './counters.js';

/** Linux's counter of a processor package, or of a die of a package. */
interface Zone {
  /** Its name, such as 'package-0' or 'package-0-die-1'. */
  readonly name: string;
  readonly folder: string;
  /** In J: 65 or 262 kJ, from the hardware's 32 bits. That lasts some minutes at full load. */
  readonly range: number;
}

const LIKELY_CAUSES = 'virtual machine, container, or no RAPL driver: sudo modprobe intel_rapl_msr';

/**
 * Opens the counters of the processor's packages. They count cores, caches and built-in graphics, but no memory.
 * https://www.kernel.org/doc/html/latest/power/powercap/powercap.html
 * @param root usually /sys/class/powercap
 * @param oncePerPackage whether the dies of a package all show the package's counter
 * @throws NoCounter
 */
export function openRapl(root: string, oncePerPackage: boolean): Probe {
  const zones: Zone[] = packagesOf(root, oncePerPackage).map(({ name, folder }) => {
    const range = numberIn(join(folder, 'max_energy_range_uj')) / 1e6;
    if (range === 0) throw new NoCounter(`${folder} does not say where its counter wraps around`);
    return { name, folder, range };
  });
  const read = () =>
    zones.map(({ name, folder, range }) => ({
      name,
      joules: numberIn(join(folder, 'energy_uj')) / 1e6,
      range,
    }));
  read(); // it tells whether we may
  return { source: `RAPL ${zones.map(({ name }) => name).join(', ')}`, read, close: () => {} };
}

/** @returns whether each die shows its package's counter, as AMD's do: https://github.com/mlco2/codecarbon/issues/1274 */
export function diesShareCounter(cpuModel: string): boolean {
  return /^(AMD|Hygon)\b/.test(cpuModel);
}

/** @returns the zones of whole packages, each once: another driver (MMIO) may list them again */
function packagesOf(root: string, oncePerPackage: boolean): Omit<Zone, 'range'>[] {
  const order = (entry: string) => Number(entry.split(':')[1]) + (entry.includes('mmio') ? 1000 : 0);
  const zones = entriesOf(root)
    .filter((entry) => /^intel-rapl(-mmio)?:\d+$/.test(entry)) // no zones within zones; AMD's too have this name
    .sort((a, b) => order(a) - order(b))
    .map((entry) => ({ name: textOf(join(root, entry, 'name')), folder: join(root, entry) }))
    .filter(({ name }) => name.startsWith('package-')); // psys contains the packages
  const once = new Map<string, Omit<Zone, 'range'>>();
  for (const zone of zones) {
    const name = (oncePerPackage && /^package-\d+/.exec(zone.name)?.[0]) || zone.name;
    if (!once.has(name)) once.set(name, { ...zone, name });
  }
  if (once.size === 0) throw new NoCounter(`${root} shows no processor package (${LIKELY_CAUSES})`);
  return [...once.values()];
}

function entriesOf(root: string): string[] {
  try {
    return readdirSync(root);
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw cause;
    throw new NoCounter(`there is no ${root} (${LIKELY_CAUSES})`, { cause });
  }
}

/** @returns a whole number from 0 up */
function numberIn(path: string): number {
  const text = textOf(path);
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new NoCounter(`${path} holds ${JSON.stringify(text.slice(0, 40))}, not a count of microjoules`);
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    // Since Linux 5.10 energy_uj is for root alone: CVE-2020-8694.
    if (code === 'EACCES' || code === 'EPERM')
      throw new NoCounter(`no permission to read ${path} (${grant(path)} gives it until the next boot)`, {
        cause,
      });
    if (code === 'ENOENT')
      throw new NoCounter(`there is no ${path}, though its zone is listed (hidden from a container?)`, {
        cause,
      });
    throw cause;
  }
}

/** @returns the command that lets everyone read the counters of all zones */
const grant = (path: string) => `sudo chmod a+r ${path.replace(/:\d+(?=\/[^/]*$)/, ':*')}`;
