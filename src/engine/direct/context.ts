import type { TopLogits } from '../../types.js';
import type { BatchToken, Context, ReadRequest } from '../port.js';
import { checkCopy, checkNext, checkPosition } from '../requests.js';
import { BatchMemory } from './batch.js';
import { CellKeeper } from './cell-keeper.js';
import type { Library, Pointer } from './library.js';
import type { ThreadPool } from './thread-pools.js';
import { topLogits } from './top-logits.js';

export interface DirectContextOptions {
  readonly capacity: number; // tokens per sequence
  readonly sequences: number;
  readonly batchSize: number; // tokens per pass
  readonly vocabularySize: number;
  readonly slidingWindow: number; // tokens, 0 = none; else llama.cpp has one more sequence to spare
  readonly onGpu: boolean;
  readonly onDispose: () => void;
}

/** What a sequence holds after a failed pass: nobody knows, so no position can be next. */
const UNKNOWN = Number.NaN;

/**
 * A llama_context whose sequences share one KV cache: a cell is a token at a position, and knows which sequences it
 * belongs to. Owns the context and frees it once; calls wait for each other.
 */
export class DirectContext implements Context {
  readonly sharesCells = true;
  readonly capacity: number;
  readonly sequences: number;
  readonly batchSize: number;
  readonly #library: Library;
  readonly #pool: ThreadPool;
  readonly #options: DirectContextOptions;
  readonly #memory: Pointer;
  readonly #batch: BatchMemory;
  readonly #keeper: CellKeeper | undefined;
  readonly #lengths: number[]; // tokens that each sequence holds
  #context: Pointer | undefined;

  constructor(library: Library, context: Pointer, pool: ThreadPool, options: DirectContextOptions) {
    this.capacity = options.capacity;
    this.sequences = options.sequences;
    this.batchSize = options.batchSize;
    this.#library = library;
    this.#pool = pool;
    this.#options = options;
    this.#context = context;
    this.#memory = library.memory(context);
    this.#batch = new BatchMemory(library, options.batchSize, options.sequences);
    this.#lengths = Array.from({ length: options.sequences }, () => 0);
    if (options.slidingWindow > 0)
      this.#keeper = new CellKeeper(library, this.#memory, options.slidingWindow, options.sequences);
  }

  decode(batch: readonly BatchToken[], read: ReadRequest): Promise<TopLogits[]> {
    return this.#exclusively(async (context) => {
      this.#check(batch);
      try {
        const rows: TopLogits[] = [];
        for (let start = 0; start < batch.length; start += this.batchSize)
          rows.push(...(await this.#pass(context, batch.slice(start, start + this.batchSize), read)));
        return rows;
      } catch (error) {
        for (const { sequences } of batch)
          for (const sequence of sequences) this.#lengths[sequence] = UNKNOWN;
        throw error;
      }
    });
  }

  forget(sequence: number, from: number): Promise<void> {
    return this.#exclusively(() => {
      checkPosition(from);
      this.#forget(sequence, from);
    });
  }

  copy(from: number, to: readonly number[], length: number): Promise<boolean> {
    return this.#exclusively(() => {
      checkCopy(from, this.#lengthOf(from), to, length);
      for (const sequence of to) this.#lengthOf(sequence); // all or none
      for (const sequence of to) {
        this.#forget(sequence, 0);
        this.#library.memoryCopy(this.#memory, from, sequence, 0, length);
        this.#lengths[sequence] = length;
      }
      return true;
    });
  }

  /** After the pass that is running, if any. Idempotent. */
  async dispose(): Promise<void> {
    await this.#pool.exclusively(() => {
      if (this.#context === undefined) return;
      this.#library.contextFree(this.#context);
      this.#context = undefined;
      this.#options.onDispose();
    });
  }

  async #pass(context: Pointer, batch: readonly BatchToken[], read: ReadRequest): Promise<TopLogits[]> {
    this.#keeper?.keep(this.#lengths);
    this.#keeper?.changedFrom(Math.min(...batch.map(({ position }) => position)));
    const code = await this.#library.decode(context, this.#batch.fill(batch));
    if (code !== 0) throw new Error(failureOf(code));
    for (const { sequences } of batch) for (const sequence of sequences) this.#lengths[sequence]!++;
    if (this.#options.onGpu) await this.#library.synchronize(context);
    const wanted = batch.filter((item) => item.wanted);
    if (wanted.length === 0) return [];
    const { vocabularySize } = this.#options;
    const address = this.#library.logits(context);
    if (!address) throw new Error('llama.cpp has evaluated a batch and has no logits of it');
    const logits = new Float32Array(this.#library.view(address, 4 * wanted.length * vocabularySize));
    return wanted.map(({ mask }, row) =>
      topLogits(logits.subarray(row * vocabularySize, (row + 1) * vocabularySize), read, mask),
    );
  }

  #forget(sequence: number, from: number): void {
    const length = this.#lengthOf(sequence);
    if (from >= length) return;
    this.#keeper?.changedFrom(from);
    if (!this.#library.memoryRemove(this.#memory, sequence, from, -1))
      throw new Error(`llama.cpp cannot cut sequence ${sequence} back to ${from} tokens`);
    this.#lengths[sequence] = Number.isNaN(length) && from > 0 ? UNKNOWN : from;
  }

  #exclusively<T>(task: (context: Pointer) => T | Promise<T>): Promise<T> {
    return this.#pool.exclusively(() => {
      if (this.#context === undefined) throw new Error('The context was disposed of');
      return task(this.#context);
    });
  }

  #lengthOf(sequence: number): number {
    const length = this.#lengths[sequence];
    if (length === undefined)
      throw new RangeError(`There is no sequence ${sequence} among ${this.sequences}`);
    return length;
  }

  /** What llama.cpp would refuse with a message of its own, or not survive. */
  #check(batch: readonly BatchToken[]): void {
    const next = new Map<number, number>();
    for (const { token, position, sequences } of batch) {
      if (!(Number.isInteger(token) && token >= 0 && token < this.#options.vocabularySize))
        throw new RangeError(`${token} is no token of a vocabulary of ${this.#options.vocabularySize}`);
      if (sequences.length === 0 || new Set(sequences).size < sequences.length)
        throw new RangeError(
          `A token belongs to one sequence or to several different ones, not to [${sequences}]`,
        );
      for (const sequence of sequences) {
        checkNext(sequence, next.get(sequence) ?? this.#lengthOf(sequence), position, this.capacity);
        next.set(sequence, position + 1);
      }
    }
  }
}

/** llama_decode's result in words. */
function failureOf(code: number): string {
  if (code === 1) return 'llama.cpp has no room in its KV cache for the batch';
  return `llama.cpp failed to evaluate a batch (code ${code})`;
}
