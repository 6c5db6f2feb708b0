import type { Prefix } from '../types.js';
import type { ModelCache } from './model-cache.js';

/** The KV caches of both models, kept to the same committed text. */
export class CacheManager {
  readonly target: ModelCache;
  /** None where a strategy needs no draft model. */
  readonly draft: ModelCache | undefined;

  constructor(target: ModelCache, draft?: ModelCache) {
    this.target = target;
    this.draft = draft;
  }

  /** Tokens that fit into both caches. */
  get capacity(): number {
    return Math.min(...this.#caches.map(({ capacity }) => capacity));
  }

  /** Evaluates the prompt in both models. @yields tokens evaluated so far and in all, over both */
  async *prefill(prefix: Prefix): AsyncGenerator<{ done: number; total: number }> {
    const perModel = prefix.length - 1;
    const total = perModel * this.#caches.length;
    for (const [i, cache] of this.#caches.entries())
      for await (const done of cache.prefill(prefix)) yield { done: i * perModel + done, total };
  }

  /** Whatever is not committed text is held no longer. */
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
