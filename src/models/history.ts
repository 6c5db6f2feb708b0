import { existsSync } from 'node:fs';
import { access, constants } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { grown, type SortedTokens } from '../drafting/grow-corpus.js';
import { UsageError } from '../errors.js';
import type { TokenId } from '../types.js';
import {
  checkCorpus,
  isCorpus,
  readCorpusFacts,
  readSortedTokens,
  vocabularyHash,
  writeCorpus,
} from './corpus-file.js';
import { lockFolder } from './folder-lock.js';
import type { ModelHeader } from './header.js';

/** Tokens that a history has at most: 6 to 8 MB. The oldest go. */
export const MOST_TOKENS = 2 ** 20;

/** Tokens that wait to be written at most, beyond those of the text that exceeds it. */
const MOST_WAITING = 4096;

/** Vocabularies from this size on have tokens of 32 bits. */
const SHORT = 2 ** 16;

/** Nobody else is to read what somebody wrote. */
const MODE = 0o600;

/** A corpus that learns what is written. Several processes may add to one at once. */
export class History {
  readonly path: string;
  readonly #target: ModelHeader;
  readonly #most: number;
  #waiting: TokenId[] = [];
  #flushing: Promise<void> | undefined;

  /** @param most tokens that it has at most, >= 1 */
  constructor(path: string, target: ModelHeader, most = MOST_TOKENS) {
    this.path = path;
    this.#target = target;
    this.#most = most;
  }

  /** Makes the file if it is not there, so that it can be drafted from. */
  async begin(): Promise<void> {
    if (!existsSync(this.path)) await this.#write();
  }

  /** Adds a text, which is written to the file now or later. */
  add(tokens: readonly TokenId[]): void {
    if (tokens.length === 0) return;
    const { eos } = this.#target.vocabulary;
    this.#waiting.push(...tokens.filter((token) => token !== eos));
    if (eos !== undefined) this.#waiting.push(eos);
    if (this.#waiting.length > MOST_WAITING) void this.flush().catch(() => {}); // the last one tells
  }

  /**
   * Writes what waits, under a lock beside the file, behind what is there now.
   * @throws Error where it cannot be written: it goes on waiting then
   */
  async flush(): Promise<void> {
    while (this.#flushing) await this.#flushing.catch(() => {});
    if (this.#waiting.length === 0) return;
    this.#flushing = this.#write().finally(() => {
      this.#flushing = undefined;
    });
    await this.#flushing;
  }

  async #write(): Promise<void> {
    const folder = `${this.path}.lock`;
    const lock = await lockFolder(folder, { lookMs: 50 });
    try {
      const added = this.#waiting.length;
      const all = grown(await this.#earlier(), this.#waiting.slice(0, added), this.#most);
      const { eos } = this.#target.vocabulary;
      const texts = all.tokens.filter((token) => token === eos).length;
      const about = {
        vocabulary: vocabularyHash(this.#target.vocabulary),
        model: basename(this.#target.path),
      };
      await writeCorpus(this.path, all, { ...about, texts }, MODE);
      this.#waiting = this.#waiting.slice(added);
    } finally {
      await lock.remove(folder);
      await lock.unlock();
    }
  }

  async #earlier(): Promise<SortedTokens> {
    if (existsSync(this.path)) {
      checkCorpus(await readCorpusFacts(this.path), this.#target);
      return readSortedTokens(this.path);
    }
    const isShort = this.#target.vocabulary.tokens.length < SHORT;
    return { tokens: isShort ? new Uint16Array() : new Uint32Array(), order: new Uint32Array() };
  }
}

/**
 * Opens a history, whose file need not be there.
 * @throws UsageError for a name that is none of a corpus, and where it cannot be written; PairMismatchError for one of other tokens
 */
export async function openHistory(path: string, target: ModelHeader): Promise<History> {
  if (!path.endsWith('.corpus'))
    throw new UsageError(`\`learn\` ${path} must end in .corpus, by which \`draft\` tells it from a model`);
  if (existsSync(path)) {
    if (!(await isCorpus(path)))
      throw new UsageError(`${path} is there and is no corpus: choose another name`);
    checkCorpus(await readCorpusFacts(path), target);
  }
  const folder = dirname(resolve(path));
  await access(folder, constants.W_OK).catch(({ message }) => {
    throw new UsageError(`\`learn\` ${path} cannot be written: ${message}`);
  });
  return new History(path, target);
}
