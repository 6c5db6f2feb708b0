import { cpus } from 'node:os';
import { growth, joulesBetween, NoCounter, type Probe, type Reading, type Sample } from './counters.js';
import { openNvidia } from './nvidia.js';
import { diesShareCounter, openRapl } from './rapl.js';

/** What this machine counts of the energy that models take: real counters, or nothing. */
export interface Meter {
  /** 'RAPL package-0, package-1 + NVML 1 GPU' */
  readonly source: string | null;
  /** Why all or part of it is not counted, and what would change that, in one line. */
  readonly reason: string | null;
  /** For `joulesBetween`. null where there is no counter, or one of them failed. */
  read(): Promise<Reading | null>;
  dispose(): void;
}

export interface MeterOptions {
  /** What the models run on. */
  readonly backend: 'cpu' | 'cuda' | 'vulkan' | 'metal';
  /** In milliseconds. */
  readonly now?: () => number;
  readonly platform?: NodeJS.Platform;
  /** As os.cpus() names it. */
  readonly cpuModel?: string;
  /** Folder. */
  readonly powercap?: string;
  /** Library. */
  readonly nvml?: string;
}

/** Often enough that no counter wraps around twice in between: at 2000 W the smallest, 65 kJ, lasts 32 s. */
const POLL_MS = 10_000;

/** Finds what counters there are. It never throws: what is missing, `reason` says. */
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

/** Adds up what the probes' counters grow by, from one call to the next. It never throws. */
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

/** What the machine draws while nothing runs, in W; null: not counted. `ms`: a second or more, for counters that step. */
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
