import type { CacheManager } from '../decoding/cache-manager.js';
import { commonPrefix } from '../decoding/held.js';
import { ResourceError } from '../errors.js';
import type { RunOptions } from '../generation/run-options.js';
import { type Shape, SharedCaches } from '../generation/shared-caches.js';
import type { Pair } from '../models/pair.js';
import type { TokenId } from '../types.js';

/** The caches of a text. */
interface Kept {
  readonly caches: SharedCaches;
  /** The text that they hold, or its beginning; empty: none. */
  readonly text: readonly TokenId[];
}

/** Caches that are lent for one text. */
export interface Lent {
  readonly cache: CacheManager;
  /** @param text the text that they hold now; undefined: unknown, after a failure */
  giveBack(text: readonly TokenId[] | undefined): Promise<void>;
}

/**
 * Keeps the caches of the last texts, so that a text that begins like one of them is not evaluated from its beginning. At
 * most `most` caches are lent at the same time.
 */
export class CacheShelf {
  readonly #pair: Pair;
  readonly #run: RunOptions;
  readonly #most: number;
  /** The caches that are not lent, the least recently used first. */
  #idle: Kept[] = [];
  #lent = 0;

  constructor(pair: Pair, run: RunOptions, most: number) {
    this.#pair = pair;
    this.#run = run;
    this.#most = most;
  }

  /** @throws ResourceError */
  async lend(prompt: readonly TokenId[], shape: Shape): Promise<Lent> {
    const { caches } = this.#bestFor(prompt);
    this.#lent++;
    const giveBack = async (text: readonly TokenId[] | undefined) => {
      this.#lent--;
      if (text) this.#idle.push({ caches, text });
      else await caches.dispose();
    };
    try {
      return { cache: await this.#opened(caches, shape), giveBack };
    } catch (error) {
      await giveBack(undefined);
      throw error;
    }
  }

  async dispose(): Promise<void> {
    await Promise.all(this.#idle.splice(0).map(({ caches }) => caches.dispose()));
  }

  /**
   * Takes the caches whose text shares the longest beginning with a prompt. Where the prompt shares less than half of each
   * text, too much would be lost, so it gets empty caches, or those that were not used for the longest time.
   */
  #bestFor(prompt: readonly TokenId[]): Kept {
    const continued = this.#idle.map(({ text }) => {
      const common = commonPrefix(text, prompt);
      return 2 * common >= text.length ? common : 0;
    });
    const longest = Math.max(0, ...continued);
    if (longest > 0) return this.#taken(continued.indexOf(longest));
    const unused = this.#idle.findIndex(({ text }) => text.length === 0);
    if (unused >= 0) return this.#taken(unused);
    if (this.#idle.length + this.#lent >= this.#most) return this.#taken(0);
    return { caches: new SharedCaches(this.#pair, this.#run, Number.MAX_SAFE_INTEGER), text: [] };
  }

  #taken(place: number): Kept {
    return this.#idle.splice(place, 1)[0]!;
  }

  /** Opens caches. Where the memory does not suffice, caches of other texts are freed. */
  async #opened(caches: SharedCaches, shape: Shape): Promise<CacheManager> {
    try {
      return await caches.withRoomFor(shape);
    } catch (error) {
      if (!(error instanceof ResourceError) || this.#idle.length === 0) throw error;
      await this.dispose();
      return caches.withRoomFor(shape);
    }
  }
}
