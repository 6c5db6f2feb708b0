import type { CacheManager } from '../decoding/cache-manager.js';
import { type CacheOptions, openCache } from '../decoding/open-cache.js';
import { ResourceError } from '../errors.js';
import type { Pair } from '../models/pair.js';
import { contextSizeOf } from './context-size.js';
import type { RunOptions } from './run-options.js';

/** What a text needs of the caches. */
export interface Shape
  extends Pick<CacheOptions, 'capacity' | 'targetSequences' | 'draftSequences' | 'draftLength'> {
  readonly rollback: number;
  readonly usesHead: boolean;
  readonly targetDrafts: boolean;
}

const NAMES = ['capacity', 'targetSequences', 'draftSequences', 'draftLength', 'rollback'] as const;

/** The caches that texts share, one after another. They are as large as the largest text so far needed them. */
export class SharedCaches {
  readonly #pair: Pair;
  readonly #run: RunOptions;
  readonly #spare: number;
  #open: { readonly cache: CacheManager; readonly shape: Shape } | undefined;

  /** @param spare tokens of room for longer texts that may follow the first */
  constructor(pair: Pair, run: RunOptions, spare: number) {
    this.#pair = pair;
    this.#run = run;
    this.#spare = spare;
  }

  /**
   * Returns caches with this much room and no more, so that a text is the same whatever was written before: those of the texts
   * before, or larger ones, which hold nothing yet.
   * @throws ResourceError where the memory does not suffice
   */
  async withRoomFor(needed: Shape): Promise<CacheManager> {
    if (!this.#open || !this.#suffices(this.#open.shape, needed)) this.#open = await this.#reopened(needed);
    return this.#open.cache.forText(needed, needed.draftSequences > 0);
  }

  async dispose(): Promise<void> {
    await this.#open?.cache.dispose();
    this.#open = undefined;
  }

  async #reopened(needed: Shape) {
    const before = this.#open?.shape;
    await this.dispose();
    const open = async (shape: Shape) => ({
      cache: await openCache(this.#pair, { ...this.#run, ...shape }),
      shape,
    });
    return open(before ? this.#larger(before, needed) : this.#withSpare(needed)).catch((error) => {
      if (error instanceof ResourceError) return open(needed); // which may fit where both together do not
      throw error;
    });
  }

  #withSpare(needed: Shape): Shape {
    const room = contextSizeOf(this.#pair, this.#run) - 1;
    return { ...needed, capacity: Math.max(needed.capacity, Math.min(needed.capacity + this.#spare, room)) };
  }

  /** Twice as long as before where the text is longer, so that a series of ever longer texts reads few of them anew. */
  #larger(before: Shape, needed: Shape): Shape {
    const room = contextSizeOf(this.#pair, this.#run) - 1;
    const isLonger = needed.capacity > before.capacity;
    const doubled = isLonger ? Math.min(2 * before.capacity, room) : 0;
    return {
      capacity: Math.max(before.capacity, needed.capacity, doubled),
      targetSequences: Math.max(before.targetSequences, needed.targetSequences),
      draftSequences: Math.max(before.draftSequences, needed.draftSequences),
      draftLength: Math.max(before.draftLength, needed.draftLength),
      rollback: Math.max(before.rollback, needed.rollback),
      usesHead: needed.draftSequences > 0 ? needed.usesHead : before.usesHead,
      targetDrafts: needed.targetDrafts,
    };
  }

  /**
   * Whether caches of one shape do for another. A head and a draft model have caches of their own; of a target with recurrent
   * layers, one that drafts keeps other states than one that judges.
   */
  #suffices(open: Shape, needed: Shape): boolean {
    const isOfOther = needed.draftSequences > 0 && open.usesHead !== needed.usesHead;
    const isOfOtherUse = this.#pair.target.isRecurrent && open.targetDrafts !== needed.targetDrafts;
    return !isOfOther && !isOfOtherUse && NAMES.every((name) => open[name] >= needed[name]);
  }
}
