import type { CostCurves } from '../tuning/cost-curves.js';
import type { CostKey, CostStore } from '../tuning/cost-store.js';

/** Keeps costs where another store keeps them, and remembers which were used last. */
export class NotedCosts implements CostStore {
  readonly #store: CostStore;
  #last: { readonly key: CostKey; readonly curves: CostCurves } | undefined;

  constructor(store: CostStore) {
    this.#store = store;
  }

  /** Undefined where no text has asked for any. */
  get last(): { readonly key: CostKey; readonly curves: CostCurves } | undefined {
    return this.#last;
  }

  async find(key: CostKey): Promise<CostCurves | undefined> {
    const curves = await this.#store.find(key);
    if (curves) this.#last = { key, curves };
    return curves;
  }

  async keep(key: CostKey, curves: CostCurves): Promise<void> {
    this.#last = { key, curves };
    await this.#store.keep(key, curves);
  }

  async correct(key: CostKey, curves: CostCurves): Promise<void> {
    this.#last = { key, curves };
    await this.#store.correct(key, curves);
  }
}
