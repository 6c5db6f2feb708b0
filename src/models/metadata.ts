import type { ArrayEntry, Entry, Scalar, ScalarType } from './gguf-reader.js';

/** The metadata of a model by key. A value of another type than is asked for counts as missing. */
export class Metadata {
  readonly entries: ReadonlyMap<string, Entry>;

  constructor(entries: ReadonlyMap<string, Entry>) {
    this.entries = entries;
  }

  /** '': the file names none. */
  get architecture(): string {
    return this.text('general.architecture') ?? '';
  }

  /** @returns the key of a setting of this architecture, as in `llama.block_count` */
  own(setting: string): string {
    return `${this.architecture}.${setting}`;
  }

  text(key: string): string | undefined {
    const value = this.#scalar(key);
    return typeof value === 'string' ? value : undefined;
  }

  number(key: string): number | undefined {
    const value = this.#scalar(key);
    return typeof value === 'number' ? value : undefined;
  }

  flag(key: string): boolean | undefined {
    const value = this.#scalar(key);
    return typeof value === 'boolean' ? value : undefined;
  }

  texts(key: string): readonly string[] | undefined {
    const entry = this.array(key);
    return entry?.elements === 'string' ? (entry.values as readonly string[]) : undefined;
  }

  /** Returns the number of each layer where a list is given, or the one number for all. */
  numbers(key: string): readonly number[] | undefined {
    const one = this.number(key);
    const values = one === undefined ? this.array(key)?.values : [one];
    return values?.every((value) => typeof value === 'number') ? (values as readonly number[]) : undefined;
  }

  array(key: string): ArrayEntry | undefined {
    const entry = this.entries.get(key);
    return entry?.type === 'array' ? entry : undefined;
  }

  typeOf(key: string): ScalarType | 'array' | undefined {
    return this.entries.get(key)?.type;
  }

  #scalar(key: string): Scalar | undefined {
    const entry = this.entries.get(key);
    return entry?.type === 'array' ? undefined : entry?.value;
  }
}
