/** The value of one counter at one moment. A counter only grows, and begins again at 0 beyond `range`. */
export interface Count {
  readonly name: string;
  /** Energy in J since the counter last began. */
  readonly joules: number;
  /** In J; Infinity: the counter never begins again. */
  readonly range: number;
}

/** The values of several counters at about one moment. The counters and their order never change. */
export interface Sample {
  readonly atMs: number;
  readonly counts: readonly Count[];
}

/** Open counters of one kind. */
export interface Probe {
  /** Name of the counters, such as 'RAPL package-0' or 'NVML 1 GPU'. */
  readonly source: string;
  /** @throws where one of the counters cannot be read */
  read(): readonly Count[];
  close(): void;
}

/** There is no counter. The message tells the user the reason and a remedy. */
export class NoCounter extends Error {
  override readonly name = 'NoCounter';
}

/** The energy in J since a run of a meter began. A counter that fails ends the run, since the energy of the gap is unknown. */
export interface Reading {
  readonly run: number;
  readonly joules: number;
}

/** More than one package or GPU draws for a second. Those sold in 2026 draw up to 500 W and 1400 W. */
const MOST_WATTS = 2000;

/** A counter is updated every 1 ms (RAPL) to 100 ms (NVML). */
const SLACK_SECONDS = 1;

/** @returns the energy between two readings of one meter in J; null: unknown */
export function joulesBetween(before: Reading | null, after: Reading | null): number | null {
  return before && after && before.run === after.run ? after.joules - before.joules : null;
}

/** @returns the growth of all counters together in J; null: the growth of one is unknown */
export function growth(before: Sample, after: Sample): number | null {
  const seconds = (after.atMs - before.atMs) / 1000;
  let sum = 0;
  for (const [i, count] of after.counts.entries()) {
    const joules = growthOf(before.counts[i]!, count, seconds);
    if (joules === null) return null;
    sum += joules;
  }
  return sum;
}

/** @returns the growth of a counter in J; null where it may have wrapped around twice, or was reset, as by a suspended machine */
function growthOf(before: Count, after: Count, seconds: number): number | null {
  if (seconds * MOST_WATTS >= after.range) return null;
  const wrapped = after.joules < before.joules ? after.range : 0;
  const joules = after.joules - before.joules + wrapped;
  return joules <= (seconds + SLACK_SECONDS) * MOST_WATTS ? joules : null;
}
