import { availableParallelism } from 'node:os';
import type { Command } from 'commander';
import type { Io } from './io.js';

/** Numbers that -1 leaves to the program, as in llama.cpp. Commander lets no parser of a value say "none". */
const OPEN = ['seed', 'threads', 'draftThreads', 'gpuLayers', 'draftGpuLayers'];

const THREADS = [
  ['threads', '--threads'],
  ['draftThreads', '--draft-threads'],
] as const;

/** What becomes of numbers, wherever they are from, when all are known. */
export function settleNumbers(program: Command, io: Io): void {
  for (const key of OPEN) if (program.getOptionValue(key) === -1) replace(program, key, undefined);
  clampThreads(program, io);
}

/** More threads than processors wait for each other: a pass then takes seconds instead of milliseconds. */
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
