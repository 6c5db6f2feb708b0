import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

/** Everything that a kept value depends on, by name. */
export type Key = Readonly<Record<string, string | number | boolean | null>>;

export const keySchema = z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()]));

const keyed = z.object({ key: keySchema.catch({}) });

/** Files that a folder has at most. Models, settings and texts of other lengths have keys of their own. */
const MOST = 400;

const KEPT = /^[0-9a-f]{16}\.json$/;
/** A file that is being written, or was when its process was killed. */
const HALF = /^[0-9a-f]{16}\.json\.[-0-9a-f]{36}$/;
const DAY_MS = 24 * 3600 * 1000;

/**
 * Keeps values in the files of a folder, one for each key. It is a cache: a file that cannot be read counts as missing, and a
 * value that cannot be written is not kept. A file is replaced in one step, since other processes may read and write it. Of too
 * many files the oldest go.
 */
export class KeyedFolder<Value extends object> {
  readonly #folder: string;
  readonly #schema: z.ZodType<Value>;
  readonly #most: number;

  /** @param most files that it has at most, >= 1 */
  constructor(folder: string, schema: z.ZodType<Value>, most = MOST) {
    this.#folder = folder;
    this.#schema = schema;
    this.#most = most;
  }

  async find(key: Key): Promise<Value | undefined> {
    const text = await readFile(this.#file(key), 'utf8').catch(() => undefined);
    return text === undefined ? undefined : this.#read(text);
  }

  /** Returns all that can be read, the newest first. */
  async all(): Promise<readonly { readonly key: Key; readonly value: Value }[]> {
    const names = await readdir(this.#folder).catch(() => []);
    const files = (await this.#byAge(names.filter((name) => KEPT.test(name)))).reverse();
    const texts = await Promise.all(files.map(({ path }) => readFile(path, 'utf8').catch(() => '')));
    return texts.flatMap((text) => {
      const value = this.#read(text);
      return value ? [{ key: keyed.parse(JSON.parse(text)).key, value }] : [];
    });
  }

  async keep(key: Key, value: Value): Promise<void> {
    const file = this.#file(key);
    const half = `${file}.${randomUUID()}`;
    try {
      await mkdir(this.#folder, { recursive: true });
      await writeFile(half, `${JSON.stringify({ key, ...value }, null, 2)}\n`);
      await rename(half, file);
      await this.#tidy();
    } catch {
      await rm(half, { force: true }).catch(() => undefined);
    }
  }

  /** Removes the oldest of too many files, and what killed processes have left half-written. */
  async #tidy(): Promise<void> {
    const names = await readdir(this.#folder);
    const halves = await this.#byAge(names.filter((name) => HALF.test(name)));
    const abandoned = halves.filter(({ modified }) => modified < Date.now() - DAY_MS);
    const kept = names.filter((name) => KEPT.test(name));
    const tooMany = kept.length > this.#most ? (await this.#byAge(kept)).slice(0, -this.#most) : [];
    for (const { path } of [...abandoned, ...tooMany]) await rm(path, { force: true });
  }

  /** Returns the oldest first. One that is gone meanwhile is the oldest. */
  async #byAge(names: readonly string[]): Promise<{ readonly path: string; readonly modified: number }[]> {
    const files = names.map(async (name) => {
      const path = join(this.#folder, name);
      const facts = await stat(path).catch(() => undefined);
      return { path, modified: facts?.mtimeMs ?? 0 };
    });
    return (await Promise.all(files)).sort((a, b) => a.modified - b.modified);
  }

  #read(text: string): Value | undefined {
    try {
      return this.#schema.parse(JSON.parse(text));
    } catch {
      return undefined;
    }
  }

  #file(key: Key): string {
    const name = createHash('sha256').update(JSON.stringify(key)).digest('hex').slice(0, 16);
    return join(this.#folder, `${name}.json`);
  }
}
