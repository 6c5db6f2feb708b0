import type { ChalkInstance } from 'chalk';
import type { Option } from 'commander';
import snakecaseKeys from 'snakecase-keys';
import { withoutSecrets } from '../../models/address.js';
import { isSwitch } from '../settings/names.js';
import { holdsSecret, namesAddress, namesFile } from '../settings/values.js';
import { plainTable } from './plain-table.js';

/** A setting, its value and where the value comes from. */
export interface Setting {
  readonly name: string;
  /** Undefined = left to the program. */
  readonly value: unknown;
  /** A flag, a variable, a file, a profile, a pair, or 'default'. */
  readonly source: string;
  readonly option: Option;
}

export interface ShownConfig {
  readonly command: string;
  /** Null = no file is read. */
  readonly file: { readonly path: string | null; readonly exists: boolean };
  readonly settings: readonly Setting[];
  readonly secrets: readonly { readonly name: string; readonly isSet: boolean }[];
}

export function configTable(
  { command, file, settings, secrets }: ShownConfig,
  colors: ChalkInstance,
): string {
  const rows = [
    ...settings.map((setting) => [setting.name, inWords(setting), setting.source]),
    ...secrets.map(({ name, isSet }) =>
      isSet ? [name, 'set', 'environment'] : [name, 'not set', 'default'],
    ),
  ].map((row) => (row[2] === 'default' ? row.map((cell) => colors.dim(cell)) : row));
  const columns = [`mtad ${command}`, 'value', 'from'].map((head) => ({ head, align: 'left' as const }));
  const where = file.path === null ? 'none' : `${file.path}${file.exists ? '' : ' (not there)'}`;
  return `${plainTable(columns, rows, colors)}\n\nSettings file: ${where}\n`;
}

export function configJson({ command, file, settings, secrets }: ShownConfig): string {
  const values = settings.map((setting) => [
    setting.name,
    { value: shownValue(setting) ?? null, source: setting.source },
  ]);
  const tokens = secrets.map(({ name, isSet }) => [name, isSet]);
  const object = {
    schema: 1,
    command,
    file,
    settings: snakecaseKeys(Object.fromEntries(values), { deep: false }),
    secrets: Object.fromEntries(tokens),
  };
  return `${JSON.stringify(object, null, 2)}\n`;
}

/** The value as a settings file has it, or the words of the help for a default that is no value. */
function inWords(setting: Setting): string {
  const value = shownValue(setting);
  if (value === undefined) return describedDefault(setting.option) ?? '-';
  if (typeof value === 'string') return value;
  return Array.isArray(value) && typeof value[0] === 'number' ? value.join(',') : JSON.stringify(value);
}

/** @returns undefined where the program decides when it runs */
function shownValue({ value, option }: Setting): unknown {
  if (value === undefined && isSwitch(option) && describedDefault(option) === undefined) return false;
  if (value !== undefined && holdsSecret(option)) return 'set';
  return typeof value === 'string' && (namesFile(option) || namesAddress(option))
    ? withoutSecrets(value)
    : value;
}

function describedDefault({ description }: Option): string | undefined {
  return /\(default: (.*?)[);]/.exec(description)?.[1];
}
