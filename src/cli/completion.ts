import { basename } from 'node:path';
import { type Complete, type RootCommand, script } from '@bomb.sh/tab';
import tab from '@bomb.sh/tab/commander';
import type { Command } from 'commander';
import { knownPairs } from '../models/known-pairs.js';
import { STRATEGY_NAMES } from '../strategies/index.js';
import { BASH_SCRIPT } from './bash-script.js';
import { type Commands, createCommand } from './command.js';
import type { Io } from './io.js';
import { addSettingsOptions } from './settings/layers.js';
import { isSwitch } from './settings/names.js';
import { namesFile } from './settings/values.js';

/** The script for a shell to read. */
export function scriptFor(shell: string): string {
  return shell === 'bash' ? BASH_SCRIPT : printedBy(() => script(shell, 'mtad', 'mtad'));
}

/**
 * What the last of the words may become.
 * @returns one a line with its description, then a directive to the shell's script
 */
export async function completions(
  words: readonly string[],
  shells: readonly string[],
  io: Io,
  commands: Commands,
): Promise<string> {
  const tree = await commandTree(words, io, commands);
  // tab keeps one tree for the whole process, so nothing may come between these lines
  const values = await valuesFor(words.at(-1) ?? '');
  const models = await modelNames(io);
  const completion = tab(tree);
  addValues(completion, values, shells);
  completion.commands.get('rm')?.argument('models', offer(models), true);
  for (const command of [completion, ...completion.commands.values()])
    for (const name of ['model', 'draft']) addModels(command.options.get(name), models);
  leaveFilesToShell(completion, takesFile(tree, words));
  return printedBy(() => completion.parse([...words]));
}

/** tab prints by console.log alone, and at once. */
function printedBy(act: () => void): string {
  const { log } = console;
  let printed = '';
  console.log = (line: string) => {
    printed += `${line}\n`;
  };
  try {
    act();
  } finally {
    console.log = log;
  }
  return printed;
}

/** All commands in one, where the others are made one at a time. */
async function commandTree(
  [command, shown]: readonly string[],
  io: Io,
  commands: Commands,
): Promise<Command> {
  const root = await createCommand('generate', io, commands);
  addSettingsOptions(root);
  for (const [name, { takesSettings }] of commands) {
    if (name === 'complete') continue; // tab adds it
    const program = await createCommand(name, io, commands, name === command && shown ? [shown] : []);
    program.name(name).description(program.description().split('\n')[0]!);
    if (takesSettings) addSettingsOptions(program);
    root.addCommand(program);
  }
  return root;
}

/** The values, by option, that no Commander choice lists. In a list it is the one behind the last comma that is completed. */
async function valuesFor(word: string): Promise<ReadonlyMap<string, readonly string[]>> {
  const [, listed = ''] = /^(?:--[^=]+=)?(.*,)/.exec(word) ?? [];
  return new Map([
    ['pair', (await knownPairs()).map(({ name }) => name)],
    ['strategy', STRATEGY_NAMES],
    ['strategies', STRATEGY_NAMES.map((name) => listed + name)],
  ]);
}

/** The names of the models in the folder that the settings name, as --model takes them. */
async function modelNames({ env }: Io): Promise<string[]> {
  const { modelsBelow, modelsFolder, partsOf } = await import('../models/models-folder.js');
  const files = await modelsBelow(modelsFolder(env.MTAD_MODELS_DIR, env)).catch(() => []);
  return files.filter((file) => partsOf(file)[0] === file).map((file) => basename(file));
}

function addModels(option: { handler?: unknown } | undefined, models: readonly string[]): void {
  if (option) option.handler = offer(models);
}

function addValues(
  completion: RootCommand,
  values: Awaited<ReturnType<typeof valuesFor>>,
  shells: readonly string[],
): void {
  for (const command of [completion, ...completion.commands.values()])
    for (const [name, all] of values) {
      const option = command.options.get(name);
      if (option) option.handler = offer(all);
    }
  completion.commands.get('complete')?.argument('shell', offer(shells));
}

function offer(values: readonly string[]) {
  return (complete: Complete) => {
    for (const value of values) complete(value, '');
  };
}

/** tab asks every shell to offer no files: 4. Where a file may stand, 0 asks for the shell's own. */
function leaveFilesToShell(completion: RootCommand, isFile: boolean): void {
  Object.defineProperty(completion, 'directive', {
    get: () => (isFile ? 0 : 4),
    set: () => {},
    configurable: true, // by the next run in the same process
  });
}

/** Commands whose words are files. */
const TAKES_FILES = new Set(['inspect', 'batch', 'learn']);

/** Whether the last word may name one. */
function takesFile(tree: Command, words: readonly string[]): boolean {
  const last = words.at(-1) ?? '';
  const flag = /^(--[^=]+)=/.exec(last)?.[1] ?? words.at(-2) ?? '';
  const options = [tree, ...tree.commands].flatMap((command) => command.options);
  const option = options.find(({ long, short }) => flag === long || flag === short);
  if (option && !isSwitch(option)) return namesFile(option);
  return TAKES_FILES.has(words[0]!) && !last.startsWith('-');
}
