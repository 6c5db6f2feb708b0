import { SETTINGS, type SettingName, type SettingRow } from './settings.js';

type NameWhere<Facts> = {
  [Name in SettingName]: (typeof SETTINGS)[Name] extends Facts ? Name : never;
}[SettingName];

/** A setting that is an option under its own name. */
export type OptionSetting = NameWhere<{ readonly help: string }>;
/** A setting that a benchmark compares values of. */
export type ComparedSetting = NameWhere<{ readonly benchmark: 'compared' }>;
/** A setting that a benchmark has one value of, for all contenders. */
export type SharedSetting = NameWhere<{ readonly benchmark: 'shared' }>;

const ROWS = Object.entries(SETTINGS) as [SettingName, SettingRow][];
const namesWhere = (isMeant: (row: SettingRow) => boolean) =>
  ROWS.filter(([, row]) => isMeant(row)).map(([name]) => name);

export const OPTION_SETTINGS = namesWhere(({ help }) => help !== undefined) as OptionSetting[];
export const COMPARED_SETTINGS = namesWhere(({ benchmark }) => benchmark === 'compared') as ComparedSetting[];
export const SHARED_SETTINGS = namesWhere(({ benchmark }) => benchmark === 'shared') as SharedSetting[];

/** Returns the name of a setting in JSON: `draftLength` is `draft_length`. */
export function jsonName(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
