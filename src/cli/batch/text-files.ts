import { createHash } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { UsageError } from '../../errors.js';
import { answerOf } from '../../text/reasoning.js';
import type { Id } from './line.js';
import type { Place, Results, Written } from './results.js';

/** A text that is being written, by the process that writes it; a run that was killed leaves one. */
const UNFINISHED = /^\.mtad-(\d+)\.tmp$/;

/** Characters of an id in a file's name, which the usual file systems let have 255 bytes. */
const LONGEST_NAME = 200;

export interface TextFilesOptions {
  /** Whether the folder may have texts of an earlier run, which stay. */
  readonly resume: boolean;
  readonly hideReasoning: boolean;
  readonly say: (line: string) => void;
}

/** A text file for each input, which has its name only when it is whole. */
export class TextFiles implements Results {
  readonly isClosed = false;
  readonly #folder: string;
  readonly #nameOf: (id: Id) => string;
  readonly #options: TextFilesOptions;

  /** @param nameOf a file in the folder for an input */
  private constructor(folder: string, nameOf: (id: Id) => string, options: TextFilesOptions) {
    this.#folder = folder;
    this.#nameOf = nameOf;
    this.#options = options;
  }

  /**
   * @param inputs the files that the texts are about; undefined = inputs have ids
   * @throws UsageError for a folder that has files, unless the run goes on with it, and where a text would overwrite an input
   */
  static async open(
    folder: string,
    inputs: readonly string[] | undefined,
    options: TextFilesOptions,
  ): Promise<TextFiles> {
    try {
      await mkdir(folder, { recursive: true });
      if (options.resume) await removeUnfinished(folder);
      else if (readdirSync(folder).length > 0)
        throw new Error('it has files already; --resume writes those that are missing');
    } catch (cause) {
      throw new UsageError(`Cannot write to the folder ${folder}: ${(cause as Error).message}`, { cause });
    }
    const nameOf = inputs ? besideOthers(inputs) : ofId;
    const overwritten = inputs?.find((path) => resolve(folder, nameOf(path)) === resolve(path));
    if (overwritten !== undefined)
      throw new UsageError(`The text for ${overwritten} would overwrite it: choose another --out-dir`);
    return new TextFiles(folder, nameOf, options);
  }

  has(id: Id): boolean {
    return this.#options.resume && existsSync(this.#pathOf(id));
  }

  async write({ id, result }: Written): Promise<void> {
    const path = this.#pathOf(id);
    const whole = join(dirname(path), `.mtad-${process.pid}.tmp`);
    try {
      await mkdir(dirname(path), { recursive: true });
      await writeFile(whole, this.#options.hideReasoning ? answerOf(result) : result.text);
      await rename(whole, path);
    } catch (cause) {
      await rm(whole, { force: true });
      throw new Error(`Cannot write ${path}: ${(cause as Error).message}`, { cause });
    }
  }

  async fail({ id, error }: Place & { readonly error: string }): Promise<void> {
    this.#options.say(`${id}: ${error}`);
  }

  async close(): Promise<void> {}

  #pathOf(id: Id): string {
    return join(this.#folder, this.#nameOf(id));
  }
}

/** Removes what runs have left that were killed. */
async function removeUnfinished(folder: string): Promise<void> {
  for (const { name, parentPath } of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const [, writer] = UNFINISHED.exec(name) ?? [];
    if (writer !== undefined && !isRunning(Number(writer))) await rm(join(parentPath, name), { force: true });
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Names that files keep below the folder that all of them are in. */
function besideOthers(inputs: readonly string[]): (id: Id) => string {
  const folders = inputs.map((path) => dirname(resolve(path)).split(sep));
  let depth = 0;
  while (depth < folders[0]!.length && folders.every((folder) => folder[depth] === folders[0]![depth]))
    depth++;
  const common = folders[0]!.slice(0, depth).join(sep) || sep;
  return (id) => {
    const name = relative(common, resolve(String(id)));
    return isAbsolute(name) || name.startsWith('..') ? ofId(id) : name;
  };
}

/** A file's name for any id: nothing in it leads out of the folder, and two ids have two names. */
function ofId(id: Id): string {
  const safe = encodeURIComponent(`${Buffer.from(String(id))}`)
    .replaceAll('*', '%2A')
    .replace(/^\./, '%2E');
  if (safe.length <= LONGEST_NAME) return `${safe}.txt`;
  const rest = createHash('sha256').update(String(id)).digest('hex').slice(0, 16);
  return `${safe.slice(0, LONGEST_NAME)}-${rest}.txt`;
}
