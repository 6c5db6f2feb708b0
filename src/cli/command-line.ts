import type { Command } from 'commander';
import { UsageError } from '../errors.js';
import { readArguments } from './arguments.js';
import { createCommand } from './command.js';
import { COMMANDS, isCommand } from './commands/index.js';
import type { Io } from './io.js';
import { takeSettings } from './settings/layers.js';
import { settleNumbers } from './settle-numbers.js';
import { acceptHelpOf, refuseLoneWord } from './spelling.js';

/** A command line that is understood. `program.parseAsync(args, { from: 'user' })` carries it out. */
export interface CommandLine {
  readonly program: Command;
  /** In this program's spelling, with the words after `--`. */
  readonly args: readonly string[];
}

/** @throws UsageError for a command line that cannot be meant, before Commander parses it */
export async function readCommandLine(typed: readonly string[], io: Io): Promise<CommandLine> {
  const asked = acceptHelpOf(typed);
  const [first] = asked;
  const command = isCommand(first) ? first! : 'generate';
  const behind = isCommand(first) ? asked.slice(1) : asked;
  const { needsFolder, takesSettings } = COMMANDS.get(command)!;
  const program = await createCommand(command, io, COMMANDS, behind);
  if (needsFolder) program.hook('preAction', refuseGoneFolder);
  if (takesSettings) {
    takeSettings(command, program, io, COMMANDS);
    program.hook('preAction', () => settleNumbers(program, io));
  }
  const { options, words, literal, filesRead } = readArguments(program, behind);
  program.setOptionValue('filesRead', filesRead);
  program.setOptionValue('isLiteral', words.length === 0); // all words follow after `--`
  if (words.length === 1 && literal.length === 0) {
    if (words[0] === 'help') return { program, args: ['--help'] };
    if (!isCommand(first)) refuseLoneWord(words[0]!);
  }
  const all = [...words, ...literal];
  return { program, args: all.length === 0 ? options : [...options, '--', ...all] };
}

/** Libraries ask for the working folder too, and take the answer that there is none for a fault of whatever they read. */
function refuseGoneFolder(): void {
  try {
    process.cwd();
  } catch (cause) {
    throw new UsageError(
      'The folder that you are in is gone; change to another one and run the same command again',
      { cause },
    );
  }
}
