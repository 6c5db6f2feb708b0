import type { Command } from 'commander';

/** Every command of mtad, and what makes its command line. Each is loaded only where it is wanted. */
export const PROGRAMS = {
  generate: async () => (await import('./generate.js')).createGenerateProgram(),
  benchmark: async () => (await import('./benchmark.js')).createBenchmarkProgram(),
  pull: async () => (await import('./pull.js')).createPullProgram(),
  pairs: async () => (await import('./pairs.js')).createPairsProgram(),
  inspect: async () => (await import('./inspect.js')).createInspectProgram(),
} satisfies Record<string, () => Promise<Command>>;

export type CommandName = keyof typeof PROGRAMS;

export const COMMAND_NAMES = Object.keys(PROGRAMS) as CommandName[];

export function isCommand(word: string | undefined): word is CommandName {
  return word !== undefined && Object.hasOwn(PROGRAMS, word);
}
