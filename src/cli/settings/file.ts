import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { UsageError } from '../../errors.js';
import { configFolder } from '../../user-folders.js';
import type { Io } from '../io.js';
import type { Given } from './values.js';

/** A settings file as it is written: names and values have yet to be judged. */
export interface SettingsFile {
  readonly path: string;
  readonly top: ReadonlyMap<string, Given>;
  /** By the name of a command. */
  readonly tables: ReadonlyMap<string, ReadonlyMap<string, Given>>;
  /** Where a setting stands, for messages. */
  where(name: string, table?: string): string;
}

/** @returns the file to read, whether or not there is one; undefined = none, because MTAD_CONFIG is empty */
export function settingsPath(env: Io['env']): string | undefined {
  const named = env.MTAD_CONFIG;
  if (named === '') return undefined;
  return named === undefined ? join(configFolder(env), 'config.toml') : resolve(named);
}

/**
 * @returns undefined where nobody has written one
 * @throws UsageError for a file that MTAD_CONFIG names and that is not there, for one that cannot be read, and for one
 *   that is no TOML, with the line
 */
export async function readSettingsFile(env: Io['env']): Promise<SettingsFile | undefined> {
  const path = settingsPath(env);
  const text = path === undefined ? undefined : readText(path, env.MTAD_CONFIG !== undefined);
  if (path === undefined || text === undefined) return undefined;
  const { parse, TomlError } = await import('smol-toml');
  try {
    return fileOf(path, parse(text), (name, table) => lineOf(text, name, table, parse));
  } catch (cause) {
    if (!(cause instanceof TomlError)) throw cause;
    const [what] = cause.message.replace('Invalid TOML document: ', '').split('\n');
    throw new UsageError(`${path}, line ${cause.line}: this is not TOML: ${what}`, { cause });
  }
}

/** @param isNamed by MTAD_CONFIG, so that it must be there */
function readText(path: string, isNamed: boolean): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(path)); // also leaves out a byte order mark
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const isNone = code === 'ENOENT' || code === 'ENOTDIR' || !existsSync(path); // or in a folder of somebody else's
    if (isNone && !isNamed) return undefined;
    const what = code === 'ERR_ENCODING_INVALID_ENCODED_DATA' ? 'it is not UTF-8 text' : message;
    throw new UsageError(`Cannot read the settings file ${path}: ${what} (--no-config does without)`, {
      cause,
    });
  }
}

const givenSchema = z.union([
  z.string(),
  z.number(),
  z.boolean(),
  z.array(z.union([z.string(), z.number()])),
]);

function fileOf(path: string, parsed: object, line: (name: string, table?: string) => number): SettingsFile {
  const where = (name: string, table?: string) => `${path}, line ${line(name, table)}: ${name}`;
  const checked = (name: string, value: unknown, table?: string): [string, Given] => {
    const { success, data } = givenSchema.safeParse(value);
    if (success) return [name, data];
    throw new UsageError(
      `${where(name, table)} must be a text in quotes, a number, true, false, or a list in brackets`,
    );
  };
  const top = new Map<string, Given>();
  const tables = new Map<string, Map<string, Given>>();
  for (const [name, value] of Object.entries(parsed)) {
    if (Object.prototype.toString.call(value) === '[object Object]') {
      const entries = Object.entries(value as object);
      tables.set(name, new Map(entries.map(([key, one]) => checked(key, one, name))));
    } else top.set(...checked(name, value));
  }
  return { path, top, tables, where };
}

/** The line that a setting ends on: there the file up to it is TOML that has the setting. */
function lineOf(
  text: string,
  name: string,
  table: string | undefined,
  parse: (toml: string) => object,
): number {
  const lines = text.split('\n');
  return lines.findIndex((_, i) => has(lines.slice(0, i + 1).join('\n'))) + 1;

  function has(start: string): boolean {
    try {
      const top = parse(start) as Record<string, object>;
      if (table === undefined) return Object.hasOwn(top, name);
      return Object.hasOwn(top, table) && Object.hasOwn(top[table]!, name);
    } catch {
      return false;
    }
  }
}
