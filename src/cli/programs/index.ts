import type { Command } from 'commander';

/** Every command of mtad, and what makes its command line. Each is loaded only where it is wanted. */
export const PROGRAMS = {
  generate: async () => (await import('./generate.js')).createGenerateProgram(),
  chat: async () => (await import('./chat.js')).createChatProgram(),
  benchmark: async () => (await import('./benchmark.js')).createBenchmarkProgram(),
  pull: async () => (await import('./pull.js')).createPullProgram(),
  pairs: async () => (await import('./pairs.js')).createPairsProgram(),
  inspect: async () => (await import('./inspect.js')).createInspectProgram(),
  config: async (args) => (await import('./config.js')).createConfigProgram(args),
  complete: async (args) => (await import('./complete.js')).createCompleteProgram(args),
} satisfies Record<string, (args: readonly string[]) => Promise<Command>>;

export type CommandName = keyof typeof PROGRAMS;

export const COMMAND_NAMES = Object.keys(PROGRAMS) as CommandName[];

/** A command that takes settings, which the others show or pass over. */
export type SettableName = Exclude<CommandName, 'config' | 'complete'>;

export const SETTABLE = COMMAND_NAMES.filter(isSettable);

export function isCommand(word: string | undefined): word is CommandName {
  return word !== undefined && Object.hasOwn(PROGRAMS, word);
}

export function isSettable(name: string): name is SettableName {
  return isCommand(name) && name !== 'config' && name !== 'complete';
}
