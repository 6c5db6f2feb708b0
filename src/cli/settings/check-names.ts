import type { Command } from 'commander';
import { closest, distance } from 'fastest-levenshtein';
import { UsageError } from '../../errors.js';
import { type Commands, createCommand, settableNames } from '../command.js';
import type { Io } from '../io.js';
import { LLAMA_CPP_OPTIONS } from '../llama-cpp-options.js';
import type { SettingsFile } from './file.js';
import { isOfOneRun, settingName, settingsOf } from './names.js';

/**
 * Checks the names of a settings file.
 * @param program of the command that runs; programs of other commands are built only where the file needs them
 * @throws UsageError for a name that no command has, or that the command of its table lacks
 */
export async function checkNames(
  file: SettingsFile,
  command: string,
  program: Command,
  io: Io,
  commands: Commands,
): Promise<void> {
  const own = settingsOf(program);
  const strange = [...file.top.keys()].filter((name) => !own.has(name));
  if (strange.length > 0) {
    const programs = await Promise.all(
      settableNames(commands).map((name) => createCommand(name, io, commands)),
    );
    for (const name of strange) refuseUnless(programs, name, file.where(name));
  }
  for (const [table, given] of file.tables) {
    if (!commands.get(table)?.takesSettings) throw unknownTable(file, table, settableNames(commands));
    const named = table === command ? program : await createCommand(table, io, commands);
    for (const name of given.keys()) refuseUnless([named], name, file.where(name, table), table);
  }
}

/** @returns the known name that the user probably meant */
function nearest(name: string, known: readonly string[]): string | undefined {
  const near = closest(name, known);
  return near !== undefined && distance(name, near) <= 2 ? near : undefined;
}

function refuseUnless(programs: readonly Command[], name: string, where: string, table?: string): void {
  const complaint = complaintAbout(name, programs, { table });
  if (complaint !== undefined) throw new UsageError(`${where} ${complaint}`);
}

/**
 * @param spelt writes the name of a setting as this place has it
 * @returns what is wrong with a name, as the end of a sentence; undefined for a setting of one of the programs
 */
export function complaintAbout(
  name: string,
  programs: readonly Command[],
  { table, spelt = (setting) => setting }: { table?: string | undefined; spelt?: (name: string) => string },
): string | undefined {
  if (programs.some((program) => settingsOf(program).has(name))) return undefined;
  const options = programs.flatMap((program) => program.options);
  if (options.some((option) => settingName(option) === name && isOfOneRun(option)))
    return `belongs to one run: give it as --${name} there`;
  const short = options.find((option) => option.short === `-${name}`);
  const meant =
    (short?.long ?? ofLlamaCpp(`--${name}`) ?? ofLlamaCpp(`-${name}`))?.slice(2) ??
    nearest(
      name.replaceAll('_', '-'),
      programs.flatMap((program) => [...settingsOf(program).keys()]),
    );
  const hint = meant === undefined ? 'mtad config lists them' : `did you mean ${spelt(meant)}?`;
  return `is no setting${table === undefined ? '' : ` of mtad ${table}`}; ${hint}`;
}

function ofLlamaCpp(name: string): string | undefined {
  const theirs = LLAMA_CPP_OPTIONS.get(name);
  return theirs && 'ours' in theirs ? theirs.ours : undefined;
}

function unknownTable(file: SettingsFile, table: string, known: readonly string[]): UsageError {
  const meant = nearest(table, known);
  const hint = meant === undefined ? `tables are ${known.join(', ')}` : `did you mean [${meant}]?`;
  return new UsageError(`${file.where(table)} is no command; ${hint}`);
}
