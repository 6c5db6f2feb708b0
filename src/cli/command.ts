import type { Command } from 'commander';
import type { Io } from './io.js';

/** A row of the table of commands. */
export interface CommandRow {
  /** As the help lists it, behind `mtad`; '' = not listed. */
  readonly usage: string;
  /** One line for the same list. */
  readonly what: string;
  /** From the environment and the settings file. */
  readonly takesSettings: boolean;
  /** Resolves paths from the working folder. */
  readonly needsFolder: boolean;
  /** Loads the file of the command, which loads no model and no native library before it runs. */
  readonly load: () => Promise<CreateCommand>;
}

export type Commands = ReadonlyMap<string, CommandRow>;

/**
 * Makes the command line of a command: its options, and what it does.
 * @param args what is typed behind its name
 * @param commands all of them, for those that speak of the others
 */
export type CreateCommand = (
  io: Io,
  args: readonly string[],
  commands: Commands,
) => Command | Promise<Command>;

/** @param name of a command that there is */
export async function createCommand(
  name: string,
  io: Io,
  commands: Commands,
  args: readonly string[] = [],
): Promise<Command> {
  const create = await commands.get(name)!.load();
  return create(io, args, commands);
}

/** The commands that take settings, which the others show or pass over. */
export function settableNames(commands: Commands): string[] {
  return [...commands].filter(([, { takesSettings }]) => takesSettings).map(([name]) => name);
}

/** The list of them in the help. */
export function commandList(commands: Commands): string {
  const listed = [...commands.values()].filter(({ usage }) => usage !== '');
  const width = Math.max(...listed.map(({ usage }) => usage.length));
  const lines = listed.map(({ usage, what }) => `  mtad ${usage.padEnd(width)} ${what}`);
  return ['Commands (mtad <command> --help tells more):', ...lines].join('\n');
}

/** What `mtad` alone says to somebody at a terminal. */
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
