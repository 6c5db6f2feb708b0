import type { Prefix } from '../types.js';
import type { ModelCache } from './model-cache.js';

/** The KV caches of both models, which hold the same committed text. */
export class CacheManager {
  readonly target: ModelCache;
  /** Undefined: the strategy needs no draft model. */
  readonly draft: ModelCache | undefined;

  constructor(target: ModelCache, draft?: ModelCache) {
    this.target = target;
    this.draft = draft;
  }

  /** The most tokens that fit into each of the caches. */
  get capacity(): number {
    return Math.min(...this.#caches.map(({ capacity }) => capacity));
  }

  /** The most guesses that fit behind a text of this length. The target may have less room for them than for text. */
  roomBehind(length: number): number {
    return Math.min(this.capacity - length, this.target.roomBehind(length));
  }

  /** Evaluates the prompt in both models. @yields the number of tokens evaluated so far, and of all, in both models together */
  async *prefill(prefix: Prefix): AsyncGenerator<{ done: number; total: number }> {
    const perModel = prefix.length - 1;
    const total = perModel * this.#caches.length;
    for (const [i, cache] of this.#caches.entries())
      for await (const done of cache.prefill(prefix)) yield { done: i * perModel + done, total };
  }

  /** Forgets all tokens that are not committed text. */
  rollback(prefix: Prefix): void {
    for (const cache of this.#caches) cache.rollback(prefix);
  }

  async dispose(): Promise<void> {
    await Promise.all(this.#caches.map((cache) => cache.dispose()));
  }

  get #caches(): ModelCache[] {
    return this.draft ? [this.target, this.draft] : [this.target];
  }
}
