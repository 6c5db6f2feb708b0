import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';

/** Everything that a kept value depends on, by name. */
export type Key = Readonly<Record<string, string | number | boolean | null>>;

export const keySchema = z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()]));

const keyed = z.object({ key: keySchema.catch({}) });

/**
 * Keeps values in the files of a folder, one for each key. It is a cache: a file that cannot be read counts as missing, and a
 * value that cannot be written is not kept. A file is replaced in one step, since other processes may read and write it.
 */
export class KeyedFolder<Value extends object> {
  readonly #folder: string;
  readonly #schema: z.ZodType<Value>;

  constructor(folder: string, schema: z.ZodType<Value>) {
    this.#folder = folder;
    this.#schema = schema;
  }

  async find(key: Key): Promise<Value | undefined> {
    const text = await readFile(this.#file(key), 'utf8').catch(() => undefined);
    return text === undefined ? undefined : this.#read(text);
  }

  /** Returns all that can be read. */
  async all(): Promise<readonly { readonly key: Key; readonly value: Value }[]> {
    const names = await readdir(this.#folder).catch(() => []);
    const files = names.filter((name) => name.endsWith('.json')).map((name) => join(this.#folder, name));
    const texts = await Promise.all(files.map((file) => readFile(file, 'utf8').catch(() => '')));
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
    } catch {
      await rm(half, { force: true }).catch(() => undefined);
    }
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
