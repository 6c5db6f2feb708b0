import { cpus } from 'node:os';
import { growth, joulesBetween, NoCounter, type Probe, type Reading, type Sample } from './counters.js';
import { openNvidia } from './nvidia.js';
import { diesShareCounter, openRapl } from './rapl.js';

/** Measures the energy of the models by the machine's own counters. It never estimates. */
export interface Meter {
  /** Names of the counters, such as 'RAPL package-0, package-1 + NVML 1 GPU'; null: there is none. */
  readonly source: string | null;
  /** The reason why a part or all of the energy is not counted, and a remedy, in one line; null: all is counted. */
  readonly reason: string | null;
  /** @returns a reading for `joulesBetween`; null where there is no counter, or a counter failed */
  read(): Promise<Reading | null>;
  dispose(): void;
}

export interface MeterOptions {
  /** The device that the models run on. */
  readonly backend: 'cpu' | 'cuda' | 'vulkan' | 'metal';
  /** A clock, in milliseconds. */
  readonly now?: () => number;
  readonly platform?: NodeJS.Platform;
  /** The processor's name, by os.cpus(). */
  readonly cpuModel?: string;
  /** Folder of Linux's RAPL counters. */
  readonly powercap?: string;
  /** Path or name of NVIDIA's library NVML. */
  readonly nvml?: string;
}

/** So often that no counter wraps around twice meanwhile: the smallest, 65 kJ, lasts 32 s at 2000 W. */
const POLL_MS = 10_000;

/** Opens the counters of this machine. It never throws; `reason` tells of missing counters. */
export async function openMeter(options: MeterOptions): Promise<Meter> {
  const { backend, now = () => performance.now(), platform = process.platform } = options;
  const cpuModel = options.cpuModel ?? cpus()[0]?.model ?? '';
  const powercap = options.powercap ?? '/sys/class/powercap';
  const nvml = options.nvml ?? (platform === 'win32' ? 'nvml.dll' : 'libnvidia-ml.so.1');

  const probes: Probe[] = [];
  const reasons: string[] = [];
  const attempt = async (part: string, open: () => Probe | Promise<Probe>) => {
    try {
      probes.push(await open());
    } catch (cause) {
      reasons.push(`${part} not counted: ${(cause as Error).message.split('\n')[0]}`);
    }
  };
  await attempt(backend === 'metal' ? 'CPU and GPU' : 'CPU', () => {
    if (platform === 'linux') return openRapl(powercap, diesShareCounter(cpuModel));
    throw new NoCounter(`mtad reads no such counter on ${SYSTEMS[platform] ?? platform}`);
  });
  const visible = backend === 'cuda' ? process.env.CUDA_VISIBLE_DEVICES : undefined; // Vulkan does not heed it
  if (backend === 'cuda' || backend === 'vulkan') await attempt('GPU', () => openNvidia(nvml, visible));

  const tally = tallyOf(probes, now);
  const timer = probes.length > 0 ? setInterval(tally, POLL_MS).unref() : undefined;
  return {
    source: probes.map(({ source }) => source).join(' + ') || null,
    reason: reasons.join('; ') || null,
    read: async () => tally(),
    dispose: () => {
      clearInterval(timer);
      for (const probe of probes.splice(0)) probe.close();
    },
  };
}

const SYSTEMS: Partial<Record<NodeJS.Platform, string>> = { darwin: 'macOS', win32: 'Windows' };

/** Adds up the growth of all counters from one call to the next. It never throws. */
function tallyOf(probes: readonly Probe[], now: () => number): () => Reading | null {
  const sample = (): Sample | null => {
    if (probes.length === 0) return null;
    try {
      return { atMs: now(), counts: probes.flatMap((probe) => probe.read()) };
    } catch {
      return null; // a counter that goes away must not end a benchmark
    }
  };
  let last = sample();
  let reading: Reading = { run: 0, joules: 0 };
  return () => {
    const next = sample();
    const joules = last && next && growth(last, next);
    reading =
      joules === null ? { run: reading.run + 1, joules: 0 } : { ...reading, joules: reading.joules + joules };
    last = next;
    return next && reading;
  };
}

/**
 * @returns the power of the idle machine in W; null: unknown
 * @param ms duration of the measurement in milliseconds; at least 1000, since counters grow in steps
 */
export async function idleWatts(
  meter: Meter,
  ms: number,
  now: () => number, // ms
  sleep: (ms: number) => Promise<unknown>,
): Promise<number | null> {
  const before = await meter.read();
  if (!before) return null;
  const start = now();
  await sleep(ms);
  const joules = joulesBetween(before, await meter.read());
  return joules === null ? null : (joules / (now() - start)) * 1000;
}
