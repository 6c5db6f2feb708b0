import type { Command, Option } from 'commander';

/** Options that belong to one run. From a file or the environment, they would overwrite files or change runs unnoticed. */
const OF_ONE_RUN = new Set(
  [
    'prompt file stdin json jsonl output trace json-schema grammar',
    'prompts format report compare fail-below replay',
    'out-dir resume yes for append',
    'load save path config version help',
  ]
    .join(' ')
    .split(' '),
);

/** A name of the library as the command line spells it: 'draftLength' becomes 'draft-length'. */
export function spelled(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** The name of an option in a settings file. `--stats` and `--no-stats` are one setting. */
export function settingName(option: Option): string {
  return option.long!.replace(/^--(no-)?/, '');
}

/** The name of a setting in the environment. */
export function variableName(name: string): string {
  return `MTAD_${name.toUpperCase().replaceAll('-', '_')}`;
}

export function isOfOneRun(option: Option): boolean {
  return OF_ONE_RUN.has(settingName(option));
}

/** The settings that a file or the environment may have, by name, each with the first of its options. */
export function settingsOf(program: Command): Map<string, Option> {
  const settings = new Map<string, Option>();
  for (const option of program.options) {
    const name = settingName(option);
    if (!option.hidden && !isOfOneRun(option) && !settings.has(name)) settings.set(name, option);
  }
  return settings;
}

/** An option without a value: on or off. */
export function isSwitch({ required, optional }: Option): boolean {
  return !required && !optional;
}
