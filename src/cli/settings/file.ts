import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { UsageError } from '../../errors.js';
import { configFolder } from '../../user-folders.js';
import type { Io } from '../io.js';
import type { Given } from './values.js';

/** A settings file as it is written. Its names and values are not checked yet. */
export interface SettingsFile {
  readonly path: string;
  readonly top: ReadonlyMap<string, Given>;
  /** By the name of a command. */
  readonly tables: ReadonlyMap<string, ReadonlyMap<string, Given>>;
  /** @returns the place of a setting, for messages: file, line and name */
  where(name: string, table?: string): string;
}

/** @returns the path of the file to read, which may not exist; undefined: MTAD_CONFIG is empty, so none is read */
export function settingsPath(env: Io['env']): string | undefined {
  const named = env.MTAD_CONFIG;
  if (named === '') return undefined;
  return named === undefined ? join(configFolder(env), 'config.toml') : resolve(named);
}

/**
 * @returns undefined where there is no file
 * @throws UsageError where MTAD_CONFIG names a missing file, where the file cannot be read, and, with the line, where it is
 *   no TOML
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
    throw new UsageError(`${path}, line ${cause.line}: this is not TOML: ${what}`); // the cause repeats the line
  }
}

/** @param isNamed whether MTAD_CONFIG names it, so that it must exist */
function readText(path: string, isNamed: boolean): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(path)); // also leaves out a byte order mark
  } catch (cause) {
    const { code, message } = cause as NodeJS.ErrnoException;
    const isNone = code === 'ENOENT' || code === 'ENOTDIR' || !existsSync(path); // or its folder may not be read
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

/** The line on which a setting ends: the first one up to which the file is TOML with that setting. */
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
