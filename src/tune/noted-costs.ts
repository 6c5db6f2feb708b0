import type { CostCurves } from '../tuning/cost-curves.js';
import type { CostKey, CostStore } from '../tuning/cost-store.js';

/** A store of costs on top of another store, which remembers the last key that was looked up. */
export class NotedCosts implements CostStore {
  readonly #store: CostStore;
  #asked: CostKey | undefined;

  constructor(store: CostStore) {
    this.#store = store;
  }

  /** The last key that was looked up; undefined: none. */
  get asked(): CostKey | undefined {
    return this.#asked;
  }

  find(key: CostKey): Promise<CostCurves | undefined> {
    this.#asked = key;
    return this.#store.find(key);
  }

  keep(key: CostKey, curves: CostCurves): Promise<void> {
    return this.#store.keep(key, curves);
  }

  correct(key: CostKey, curves: CostCurves): Promise<void> {
    return this.#store.correct(key, curves);
  }
}
