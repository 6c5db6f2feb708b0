import { availableParallelism } from 'node:os';
import type { Command } from 'commander';
import type { Io } from './io.js';

/** Numbers that -1 leaves to the program, as in llama.cpp. Commander lets no parser of a value say "none". */
const OPEN = ['seed', 'threads', 'draftThreads', 'gpuLayers', 'draftGpuLayers'];

const THREADS = [
  ['threads', '--threads'],
  ['draftThreads', '--draft-threads'],
] as const;

/** Settles the numbers when all are known, wherever they come from. */
export function settleNumbers(program: Command, io: Io): void {
  for (const key of OPEN) if (program.getOptionValue(key) === -1) replace(program, key, undefined);
  clampThreads(program, io);
}

/** Limits threads to processors. More threads wait for each other, and a pass takes seconds instead of milliseconds. */
function clampThreads(program: Command, io: Io): void {
  const processors = availableParallelism();
  for (const [key, flag] of THREADS) {
    const threads = program.getOptionValue(key);
    if (typeof threads !== 'number' || threads <= processors) continue;
    replace(program, key, processors);
    if (!program.opts().quiet)
      io.say(`${flag} ${threads} is more than this machine has processors: it is ${processors}`);
  }
}

function replace(program: Command, key: string, value: number | undefined): void {
  program.setOptionValueWithSource(key, value, program.getOptionValueSource(key));
}
