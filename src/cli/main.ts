import { type Command, CommanderError } from 'commander';
import { readCommandLine } from './command-line.js';
import { exitCodeOf, messageOf } from './failures.js';
import { Io, type Surroundings } from './io.js';

/**
 * Runs a command line. One process may run several.
 * @returns the exit code; it never throws
 */
export async function main(surroundings: Surroundings): Promise<number> {
  const io = new Io(surroundings);
  const { argv } = surroundings;
  let program: Command | undefined;
  try {
    const line = await readCommandLine(argv, io);
    program = line.program;
    await program.parseAsync(line.args, { from: 'user' });
    return io.exitCode;
  } catch (error) {
    if (!(error instanceof CommanderError)) io.say(messageOf(error, isVerbose(program, argv)));
    return exitCodeOf(error);
  }
}

/** Also before anything was parsed. */
function isVerbose(program: Command | undefined, args: readonly string[]): boolean {
  return program?.opts().verbose ?? (args.includes('-v') || args.includes('--verbose'));
}
