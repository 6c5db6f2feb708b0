import type { Prefix } from '../types.js';
import type { Checked } from './cache-check.js';
import type { HiddenTrail } from './hidden-trail.js';
import type { ModelCache } from './model-cache.js';

/** What a text may use of caches that have room for more. */
export interface TextRoom {
  /** Tokens. */
  readonly capacity: number;
  /** Guesses that a target with recurrent layers is to take back at most. */
  readonly rollback: number;
}

const ALL: TextRoom = { capacity: Infinity, rollback: Infinity };

/** The KV caches of both models, which hold the same committed text. */
export class CacheManager {
  readonly target: ModelCache;
  /** Undefined: the strategy needs no draft model. */
  readonly draft: ModelCache | undefined;
  /** Where the draft model is the target's own head. */
  readonly #trail: HiddenTrail | undefined;
  readonly #room: TextRoom;

  constructor(target: ModelCache, draft?: ModelCache, trail?: HiddenTrail, room = ALL) {
    this.target = target;
    this.draft = draft;
    this.#trail = trail;
    this.#room = room;
  }

  /** The same caches for a text that must not see how much more they hold, with or without the draft's. */
  forText(room: TextRoom, isDrafted: boolean): CacheManager {
    return isDrafted
      ? new CacheManager(this.target, this.draft, this.#trail, room)
      : new CacheManager(this.target, undefined, undefined, room);
  }

  /** The most tokens of a text that fit into each of the caches. */
  get capacity(): number {
    return Math.min(this.#room.capacity, ...this.#caches.map(({ capacity }) => capacity));
  }

  /** The most guesses that fit behind a text of this length. The target may have less room for them than for text. */
  roomBehind(length: number): number {
    return Math.min(this.capacity - length, this.target.roomBehind(length, this.#room.rollback));
  }

  /** Evaluates the prompt in both models. @yields the number of tokens evaluated so far, and of all, in both models together */
  async *prefill(prefix: Prefix): AsyncGenerator<{ done: number; total: number }> {
    if (this.#trail && this.draft) return yield* this.#prefillHead(prefix, this.draft, this.#trail);
    const perModel = prefix.length - 1;
    const total = perModel * this.#caches.length;
    for (const [i, cache] of this.#caches.entries())
      for await (const done of cache.prefill(prefix)) yield { done: i * perModel + done, total };
  }

  /** The head reads each part of the prompt when the target has: it needs the target's hidden states, which are not all kept. */
  async *#prefillHead(
    prefix: Prefix,
    head: ModelCache,
    trail: HiddenTrail,
  ): AsyncGenerator<{ done: number; total: number }> {
    const end = prefix.length - 1;
    this.rollback(prefix);
    const lacking = trail.firstLacking(Math.max(0, head.shared - 1), this.target.shared);
    if (lacking !== undefined) this.target.forgetFrom(lacking); // to be evaluated again
    for await (const done of this.target.prefill(prefix)) {
      for await (const read of head.prefill(prefix, done)) yield { done: done + read, total: 2 * end };
      trail.dropBefore(done - 1);
      yield { done: 2 * done, total: 2 * end };
    }
    for await (const read of head.prefill(prefix)) yield { done: end + read, total: 2 * end };
    trail.bookmark(end - 1);
    this.rollback(prefix);
  }

  /** Forgets all tokens that are not committed text. */
  rollback(prefix: Prefix): void {
    for (const cache of this.#caches) cache.rollback(prefix);
    if (this.draft) this.#trail?.dropBefore(Math.min(this.draft.shared, prefix.length - 1) - 1);
  }

  /** What both caches were held against; undefined: nothing is checked. */
  get checked(): Checked | undefined {
    const all = this.#caches.flatMap(({ checked }) => checked ?? []);
    if (all.length === 0) return undefined;
    const rows = all.reduce((sum, one) => sum + one.rows, 0);
    return { rows, worst: Math.max(...all.map(({ worst }) => worst)) };
  }

  async dispose(): Promise<void> {
    await Promise.all(this.#caches.map((cache) => cache.dispose()));
  }

  get #caches(): ModelCache[] {
    return this.draft ? [this.target, this.draft] : [this.target];
  }
}
