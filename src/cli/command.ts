import type { Command } from 'commander';
import type { Io } from './io.js';

/** A row of the table of commands. */
export interface CommandRow {
  /** Its line in the help, after `mtad`; '' = not listed. */
  readonly usage: string;
  /** Its description in the same list, in one line. */
  readonly what: string;
  /** Whether it takes settings from the environment and the settings file. */
  readonly takesSettings: boolean;
  /** Whether it resolves paths from the working folder. */
  readonly needsFolder: boolean;
  /** Loads the file of the command. That loads no model and no native library. */
  readonly load: () => Promise<CreateCommand>;
}

export type Commands = ReadonlyMap<string, CommandRow>;

/**
 * Returns the command line of a command: its options and its action.
 * @param args the arguments after its name
 * @param commands all commands, for those that describe others
 */
export type CreateCommand = (
  io: Io,
  args: readonly string[],
  commands: Commands,
) => Command | Promise<Command>;

/** @param name of an existing command */
export async function createCommand(
  name: string,
  io: Io,
  commands: Commands,
  args: readonly string[] = [],
): Promise<Command> {
  const create = await commands.get(name)!.load();
  return create(io, args, commands);
}

/** Returns the commands that take settings. */
export function settableNames(commands: Commands): string[] {
  return [...commands].filter(([, { takesSettings }]) => takesSettings).map(([name]) => name);
}

/** Returns the list of commands in the help. */
export function commandList(commands: Commands): string {
  const listed = [...commands.values()].filter(({ usage }) => usage !== '');
  const width = Math.max(...listed.map(({ usage }) => usage.length));
  const lines = listed.map(({ usage, what }) => `  mtad ${usage.padEnd(width)} ${what}`);
  return ['Commands (mtad <command> --help tells more):', ...lines].join('\n');
}

/** Returns the text that `mtad` alone shows on a terminal. */
export function firstSteps(commands: Commands): string {
  return `Usage: mtad [options] [prompt...]
${commandList(commands)}

Examples:
  mtad "Once upon a time"
  mtad -m llama-8b-q4.gguf -d llama-1b-q4.gguf "The sea"
  mtad chat --pair llama-3.1-8b

mtad --help lists the options.
`;
}
