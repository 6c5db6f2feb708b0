/** One counter at one moment. It only grows, and begins again at 0 beyond `range`. */
export interface Count {
  readonly name: string;
  /** Since the counter last began. */
  readonly joules: number;
  /** J; Infinity: it never begins again. */
  readonly range: number;
}

/** Several counters at about one moment: always the same ones, in the same order. */
export interface Sample {
  readonly atMs: number;
  readonly counts: readonly Count[];
}

/** Counters of one kind, opened. */
export interface Probe {
  /** What is counted: 'RAPL package-0', 'NVML 1 GPU', ... */
  readonly source: string;
  /** @throws where one of the counters cannot be read */
  read(): readonly Count[];
  close(): void;
}

/** Why there is no counter: the message is for the user, and says what would change that. */
export class NoCounter extends Error {
  override readonly name = 'NoCounter';
}

/** What a meter has counted since a run began. A counter that fails ends the run: nothing is known across the gap. */
export interface Reading {
  readonly run: number;
  readonly joules: number;
}

/** More than one package or GPU draws for a second: in 2026 they are sold at up to 500 W and 1400 W. */
const MOST_WATTS = 2000;

/** A counter is brought up to date every 1 ms (RAPL) to 100 ms (NVML), then all at once. */
const SLACK_SECONDS = 1;

/** Energy between two readings of one meter; null: not known. */
export function joulesBetween(before: Reading | null, after: Reading | null): number | null {
  return before && after && before.run === after.run ? after.joules - before.joules : null;
}

/** What all counters grew by, in J; null where one of them does not tell. */
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

/** null where the counter may have wrapped around twice, or must have been reset, as by a suspended machine. */
function growthOf(before: Count, after: Count, seconds: number): number | null {
  if (seconds * MOST_WATTS >= after.range) return null;
  const wrapped = after.joules < before.joules ? after.range : 0;
  const joules = after.joules - before.joules + wrapped;
  return joules <= (seconds + SLACK_SECONDS) * MOST_WATTS ? joules : null;
}
