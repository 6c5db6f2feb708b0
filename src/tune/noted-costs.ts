import type { CostCurves } from '../tuning/cost-curves.js';
import type { CostKey, CostStore } from '../tuning/cost-store.js';

/** Keeps costs where another store keeps them, and remembers which were asked for last. */
export class NotedCosts implements CostStore {
  readonly #store: CostStore;
  #asked: CostKey | undefined;

  constructor(store: CostStore) {
    this.#store = store;
  }

  /** Undefined where no text has asked for any. */
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
