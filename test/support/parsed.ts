import type { Command } from 'commander';
import { readCommandLine } from '../../src/cli/command-line.js';
import { ioInMemory } from './run-in-process.js';

/** A command line parsed in this process, as `mtad` does, up to where it would run. */
export async function parsed(args: readonly string[]): Promise<Command> {
  const { program, args: ours } = await readCommandLine(args, ioInMemory());
  program.configureOutput({ writeErr: () => {}, writeOut: () => {} }).action(() => {});
  return program.parseAsync(ours, { from: 'user' });
}

/** @returns what stands there, by option: no defaults */
export function typedOptions(program: Command): Record<string, unknown> {
  const keys = program.options.map((option) => option.attributeName());
  const typed = keys.filter((key) => program.getOptionValueSource(key) === 'cli');
  return Object.fromEntries(typed.map((key) => [key, program.getOptionValue(key)]));
}
