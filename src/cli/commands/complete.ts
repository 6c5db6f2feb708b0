import { type Complete, type RootCommand, script } from '@bomb.sh/tab';
import tab from '@bomb.sh/tab/commander';
import type { Command } from 'commander';
import { knownPairs } from '../../models/known-pairs.js';
import { STRATEGY_NAMES } from '../../strategies/index.js';
import { SHELLS, type Shell } from '../programs/complete.js';
import { COMMAND_NAMES, PROGRAMS } from '../programs/index.js';
import { Sink } from '../render/sink.js';
import { addSettingsOptions } from '../settings/layers.js';
import { isSwitch } from '../settings/names.js';
import { namesFile } from '../settings/values.js';
import { BASH_SCRIPT } from './bash-script.js';

/** `mtad complete <shell>`: the script for a shell to read. */
export async function printScript(shell: Shell): Promise<void> {
  if (shell !== 'bash') return script(shell, 'mtad', 'mtad');
  const stdout = new Sink(undefined, () => {});
  await stdout.write(BASH_SCRIPT);
  stdout.check();
}

/** `mtad complete -- <words>`: what the last word may become, one a line with its description, then a directive. */
export async function completeWords(words: readonly string[]): Promise<void> {
  const tree = await commandTree(words);
  const completion = tab(tree);
  await addValues(completion, words.at(-1) ?? '');
  leaveFilesToShell(completion, takesFile(tree, words));
  completion.parse([...words]);
}

/** All commands in one, where the others are made one at a time. */
async function commandTree([command, shown]: readonly string[]): Promise<Command> {
  const root = await PROGRAMS.generate();
  addSettingsOptions(root);
  for (const name of COMMAND_NAMES.filter((one) => one !== 'complete')) {
    const program = (await PROGRAMS[name](name === command && shown ? [shown] : [])).name(name);
    program.description(program.description().split('\n')[0]!);
    if (name !== 'config') addSettingsOptions(program);
    root.addCommand(program);
  }
  return root;
}

/** The values that no Commander choice lists. In a list it is the one behind the last comma that is completed. */
async function addValues(completion: RootCommand, word: string): Promise<void> {
  const [, listed = ''] = /^(?:--[^=]+=)?(.*,)/.exec(word) ?? [];
  const values: Record<string, readonly string[]> = {
    pair: (await knownPairs()).map(({ name }) => name),
    strategy: STRATEGY_NAMES,
    strategies: STRATEGY_NAMES.map((name) => listed + name),
  };
  for (const command of [completion, ...completion.commands.values()])
    for (const [name, all] of Object.entries(values)) {
      const option = command.options.get(name);
      if (option) option.handler = offer(all);
    }
  completion.commands.get('complete')?.argument('shell', offer(SHELLS));
}

function offer(values: readonly string[]) {
  return (complete: Complete) => {
    for (const value of values) complete(value, '');
  };
}

/** tab asks every shell to offer no files: 4. Where a file may stand, 0 asks for the shell's own. */
function leaveFilesToShell(completion: RootCommand, isFile: boolean): void {
  Object.defineProperty(completion, 'directive', { get: () => (isFile ? 0 : 4), set: () => {} });
}

/** Whether the last word may name one. */
function takesFile(tree: Command, words: readonly string[]): boolean {
  const last = words.at(-1) ?? '';
  const flag = /^(--[^=]+)=/.exec(last)?.[1] ?? words.at(-2) ?? '';
  const options = [tree, ...tree.commands].flatMap((command) => command.options);
  const option = options.find(({ long, short }) => flag === long || flag === short);
  if (option && !isSwitch(option)) return namesFile(option);
  return words[0] === 'inspect' && !last.startsWith('-'); // its words are models
}
