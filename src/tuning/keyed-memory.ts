import type { Key } from './keyed-folder.js';

/** Values at most. A server lives long, and its clients choose settings. */
const MOST = 400;

/** Keeps values as long as this object lives, one for each key: of too many, that which was kept the longest ago goes. */
export class KeyedMemory<Value> {
  readonly #values = new Map<string, Value>();
  readonly #most: number;

  /** @param most values that it has at most, >= 1 */
  constructor(most = MOST) {
    this.#most = most;
  }

  async find(key: Key): Promise<Value | undefined> {
    return this.#values.get(JSON.stringify(key));
  }

  async keep(key: Key, value: Value): Promise<void> {
    const name = JSON.stringify(key);
    this.#values.delete(name); // so that it is the newest one
    this.#values.set(name, value);
    if (this.#values.size <= this.#most) return;
    const [oldest] = this.#values.keys();
    this.#values.delete(oldest!);
  }
}
