import { existsSync } from 'node:fs';
import { access, constants } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import type { Corpus } from '../drafting/corpus.js';
import { grown, type SortedTokens } from '../drafting/grow-corpus.js';
import { UsageError } from '../errors.js';
import type { TokenId } from '../types.js';
import {
  type CorpusFacts,
  checkCorpus,
  isCorpus,
  readCorpus,
  readCorpusFacts,
  readSortedTokens,
  textEnd,
  tokenArray,
  vocabularyHash,
} from './corpus-file.js';
import type { ModelHeader } from './header.js';
import { type CorpusText, replaceCorpus } from './replace-corpus.js';

/** Tokens that a history has at most: 6 to 8 MB. The oldest go. */
export const MOST_TOKENS = 2 ** 20;

/** Tokens that wait to be written at most, beyond those of the text that exceeds it. */
const MOST_WAITING = 4096;

/** Nobody else is to read what somebody wrote. */
const MODE = 0o600;

export interface HistoryOptions {
  /** Tokens that it has at most, >= 1; default MOST_TOKENS. */
  readonly most?: number | undefined;
  /** Called with one line the first time that `add` cannot write to the file; `flush` throws. */
  readonly onNotice?: ((line: string) => void) | undefined;
}

/** A corpus that learns what is written. Several processes may add to one at once. */
export class History {
  readonly path: string;
  readonly #target: ModelHeader;
  readonly #most: number;
  #tell: HistoryOptions['onNotice'];
  #waiting: TokenId[] = [];
  #flushing: Promise<void> | undefined;

  constructor(path: string, target: ModelHeader, { most = MOST_TOKENS, onNotice }: HistoryOptions = {}) {
    this.path = path;
    this.#target = target;
    this.#most = most;
    this.#tell = onNotice;
  }

  /** Makes the file if it is not there, so that it can be drafted from. */
  async begin(): Promise<void> {
    if (!existsSync(this.path)) await this.#write();
  }

  /** Adds a text. It is not in the file before the next one is added, or `flush` is called: so it can be held against the others. */
  add(tokens: readonly TokenId[]): void {
    if (tokens.length === 0) return;
    if (this.#waiting.length > MOST_WAITING && !this.#flushing) void this.flush().catch(this.#tellOnce);
    const { vocabulary } = this.#target;
    for (const token of tokens) if (token !== vocabulary.eos) this.#waiting.push(token);
    this.#waiting.push(...textEnd(vocabulary));
    if (this.#waiting.length > this.#most) this.#waiting = this.#waiting.slice(-this.#most);
  }

  /**
   * Writes what waits, under a lock beside the file, behind what is there now.
   * @throws Error where it cannot be written: it goes on waiting then, but for the oldest tokens beyond the most
   */
  async flush(): Promise<void> {
    while (this.#flushing) await this.#flushing.catch(() => {});
    if (this.#waiting.length === 0) return;
    this.#flushing = this.#write().finally(() => {
      this.#flushing = undefined;
    });
    await this.#flushing;
  }

  /** Reads what the file holds; undefined: it is not there. @throws ModelFileError */
  async kept(): Promise<Corpus | undefined> {
    return existsSync(this.path) ? readCorpus(this.path) : undefined;
  }

  readonly #tellOnce = ({ message }: Error): void => {
    this.#tell?.(`what is written is not kept in ${this.path} yet: ${message}`);
    this.#tell = undefined;
  };

  async #write(): Promise<void> {
    const added = this.#waiting;
    this.#waiting = [];
    try {
      await replaceCorpus(this.path, (isThere) => this.#grown(added, isThere), MODE);
    } catch (error) {
      this.#waiting = added.concat(this.#waiting).slice(-this.#most);
      throw error;
    }
  }

  async #grown(added: readonly TokenId[], isThere: boolean): Promise<CorpusText> {
    const all = grown(await this.#earlier(isThere), added, this.#most);
    const { vocabulary, path } = this.#target;
    const texts = all.tokens.filter((token) => token === vocabulary.eos).length;
    return { ...all, about: { vocabulary: vocabularyHash(vocabulary), model: basename(path), texts } };
  }

  async #earlier(isThere: boolean): Promise<SortedTokens> {
    if (!isThere) return { tokens: tokenArray(this.#target.vocabulary, 0), order: new Uint32Array() };
    checkHistory(await readCorpusFacts(this.path), this.#target, this.#most);
    return readSortedTokens(this.path);
  }
}

/** @throws PairMismatchError for a corpus of other tokens; UsageError for one that texts would be cut from at once */
function checkHistory(facts: CorpusFacts, target: ModelHeader, most: number): void {
  checkCorpus(facts, target);
  if (facts.tokens > most)
    throw new UsageError(
      `${facts.path} has ${facts.tokens} tokens, and \`learn\` keeps the last ${most} only: choose another file, or add texts to this one with mtad learn --append`,
    );
}

/**
 * Opens a history, whose file need not be there.
 * @throws UsageError for a name that is none of a corpus, for a corpus that is too large, and where it cannot be written;
 * PairMismatchError for one of other tokens
 */
export async function openHistory(
  path: string,
  target: ModelHeader,
  options?: HistoryOptions,
): Promise<History> {
  if (!path.endsWith('.corpus'))
    throw new UsageError(`\`learn\` ${path} must end in .corpus, by which \`draft\` tells it from a model`);
  if (existsSync(path)) {
    if (!(await isCorpus(path)))
      throw new UsageError(`${path} is there and is no corpus: choose another name`);
    checkHistory(await readCorpusFacts(path), target, MOST_TOKENS);
  }
  const folder = dirname(resolve(path));
  await access(folder, constants.W_OK).catch(({ message }) => {
    throw new UsageError(`\`learn\` ${path} cannot be written: ${message}`);
  });
  return new History(path, target, options);
}
