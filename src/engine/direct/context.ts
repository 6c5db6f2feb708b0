import type { TopLogits } from '../../types.js';
import { CallClock } from '../call-clock.js';
import type { BatchToken, Context, HiddenState, Keep, Pass, PassAnswer, ReadRequest } from '../passes.js';
import { checkPass } from '../requests.js';
import { BatchMemory } from './batch.js';
import { CellKeeper } from './cell-keeper.js';
import type { Pointer } from './declare.js';
import { HiddenReader, type HiddenStates, wantedOf } from './hidden-reader.js';
import type { Library, NativeBatch } from './library.js';
import { ShortCalls } from './short-calls.js';
import { StateKeeper } from './state-keeper.js';
import type { ThreadPool } from './thread-pools.js';
import { topLogits } from './top-logits.js';

export interface DirectContextOptions {
  /** The most tokens of one sequence. */
  readonly capacity: number;
  readonly sequences: number;
  /** The most tokens of one pass. */
  readonly batchSize: number;
  readonly vocabularySize: number;
  /** The sliding window in tokens; 0: none. With a window, llama.cpp has one more sequence for the cell keeper. */
  readonly slidingWindow: number;
  /** The states that it keeps of each sequence besides the last one; undefined: tokens have cells, which can be removed. */
  readonly statesKept: number | undefined;
  /** Hidden states: which the passes return, and whether the tokens come with some; undefined: neither. */
  readonly hidden?: HiddenStates | undefined;
  /** What evaluates the passes, or a part of each. A network may keep a call waiting for any time. */
  readonly device: 'processor' | 'gpu' | 'network';
  readonly onDispose: () => void;
}

/**
 * A llama_context whose sequences share one KV cache. A cell holds a token at a position, and the set of sequences that it
 * belongs to. Of a model with recurrent layers, each sequence has a state of its own besides. This class owns the context and
 * frees it once. Calls wait for each other.
 */
export class DirectContext implements Context {
  readonly sharesCells: boolean;
  readonly rollback: number;
  readonly capacity: number;
  readonly sequences: number;
  readonly batchSize: number;
  readonly #library: Library;
  readonly #pool: ThreadPool;
  readonly #options: DirectContextOptions;
  readonly #memory: Pointer;
  readonly #batch: BatchMemory;
  readonly #keeper: CellKeeper | undefined;
  readonly #states: StateKeeper | undefined;
  readonly #hidden: HiddenReader | undefined;
  readonly #decoding: ShortCalls;
  readonly #synchronizing: ShortCalls;
  readonly #views = new Map<number, Float32Array>(); // of the logits, by length
  #viewed: Pointer | undefined; // the address that they are views of
  #context: Pointer | undefined;
  #passes = 0; // of the model: the logits of the last one are there to be read

  constructor(library: Library, context: Pointer, pool: ThreadPool, options: DirectContextOptions) {
    const { statesKept } = options;
    this.capacity = options.capacity;
    this.sequences = options.sequences;
    this.sharesCells = statesKept === undefined;
    this.rollback = statesKept ?? Infinity;
    this.batchSize = options.batchSize;
    this.#library = library;
    this.#pool = pool;
    this.#options = options;
    this.#context = context;
    this.#memory = library.memory(context);
    const mayWait = options.device !== 'network';
    this.#decoding = new ShortCalls(mayWait);
    this.#synchronizing = new ShortCalls(mayWait);
    this.#hidden = options.hidden && new HiddenReader(library, context, options.hidden);
    const fed = this.#hidden?.fedWidth;
    this.#batch = new BatchMemory(library, options.batchSize, options.sequences, fed);
    if (statesKept !== undefined) this.#states = new StateKeeper(options.sequences, statesKept);
    else if (options.slidingWindow > 0)
      this.#keeper = new CellKeeper(library, this.#memory, options.slidingWindow, options.sequences);
  }

  get held(): readonly number[] {
    return Array.from({ length: this.sequences }, (_, sequence) => this.#lengthOf(sequence));
  }

  get least(): readonly number[] {
    const { held } = this;
    return held.map((length, sequence) => this.#states?.leastOf(sequence, length) ?? 0);
  }

  run(pass: Pass): Promise<PassAnswer> {
    return this.#exclusively(async (context, waitMs) => {
      const { keeps, batch, read } = pass;
      const { held } = this;
      checkPass(pass, held, this.capacity);
      this.#states?.check(keeps, held);
      this.#checkTokens(batch);
      const clock = new CallClock();
      clock.time(() => {
        for (const keep of keeps) this.#keep(keep);
      });
      const rows: TopLogits[] = [];
      const hidden: HiddenState[] = [];
      const before = this.held;
      try {
        for (const part of this.#parts(batch)) {
          for (const row of rows) void row.logSumExp; // the next pass overwrites what is summed
          rows.push(...(await this.#pass(context, part, read, clock)));
          if (this.#hidden && !this.#isMixed(part)) hidden.push(...this.#hidden.read(part, clock));
          this.#states?.evaluated(part);
        }
      } catch (error) {
        for (const [sequence, length] of before.entries()) {
          const isUnknown = this.#states && batch.some(({ sequences }) => sequences.includes(sequence));
          this.#tryToForget(sequence, isUnknown ? 0 : length);
        }
        throw error;
      }
      const isTold =
        hidden.length > 0 && hidden.length === (this.#hidden?.isHead ? rows.length : batch.length);
      return { rows, ...(isTold && { hidden }), ms: clock.ms, waitMs };
    });
  }

  /** Waits for the running pass, if there is one, and frees the context. A second call does nothing. */
  async dispose(): Promise<void> {
    await this.#pool.turns.take(async () => {
      if (this.#context === undefined) return;
      const context = this.#context;
      this.#context = undefined;
      await this.#library.contextFree(context);
      this.#library.freedMemory.giveBackSoon();
      this.#options.onDispose();
    });
  }

  async #pass(
    context: Pointer,
    batch: readonly BatchToken[],
    read: ReadRequest,
    clock: CallClock,
  ): Promise<TopLogits[]> {
    clock.time(() => this.#keeper?.keep(this.held));
    this.#keeper?.changedFrom(Math.min(...batch.map(({ position }) => position)));
    const outputs = this.#hidden?.outputsOf(batch) ?? wantedOf(batch);
    const native = this.#batch.fill(batch, new Set(outputs));
    const pass = ++this.#passes;
    const isThere = () => pass === this.#passes && this.#context !== undefined;
    const code = await this.#decode(context, native, clock);
    if (code !== 0) throw new Error(failureOf(code));
    if (outputs.length === 0) return [];
    const { vocabularySize } = this.#options;
    const address = clock.time(() => this.#library.logits(context));
    if (!address) throw new Error('llama.cpp has evaluated a batch and has no logits of it');
    const logits = this.#logitsAt(address, outputs.length * vocabularySize);
    return outputs.flatMap(({ wanted, mask }, row) =>
      wanted
        ? topLogits(logits.subarray(row * vocabularySize, (row + 1) * vocabularySize), read, mask, isThere)
        : [],
    );
  }

  /** A view of llama.cpp's memory, which stays in its place from pass to pass. Making one takes as long as reading some rows. */
  #logitsAt(address: Pointer, length: number): Float32Array {
    if (address !== this.#viewed) this.#views.clear();
    this.#viewed = address;
    const known = this.#views.get(length);
    if (known) return known;
    const view = new Float32Array(this.#library.view(address, 4 * length));
    this.#views.set(length, view);
    return view;
  }

  /** Whether the pass has the tokens in an order of its own. */
  #isMixed(batch: readonly BatchToken[]): boolean {
    return this.#states !== undefined && new Set(batch.map(({ sequences }) => sequences[0])).size > 1;
  }

  /** Evaluates a batch, and waits for what devices have not done yet. */
  async #decode(context: Pointer, batch: NativeBatch, clock: CallClock): Promise<number> {
    const library = this.#library;
    const decoding = {
      here: () => library.decodeHere(context, batch),
      elsewhere: () => library.decode(context, batch),
    };
    const code = await this.#decoding.run(batch.n_tokens, decoding, clock);
    if (code !== 0 || this.#options.device === 'processor') return code;
    const waiting = {
      here: () => library.synchronizeHere(context),
      elsewhere: () => library.synchronize(context),
    };
    await this.#synchronizing.run(batch.n_tokens, waiting, clock);
    return code;
  }

  /** Where only the last tokens of a pass can be forgotten, the short pass comes first. */
  #parts(batch: readonly BatchToken[]): BatchToken[][] {
    const parts: BatchToken[][] = [];
    const first = (this.#states && batch.length % this.batchSize) || this.batchSize;
    for (let start = 0, end = first; start < batch.length; start = end, end += this.batchSize)
      parts.push(batch.slice(start, end));
    return parts;
  }

  #keep({ sequence, from, length, alike }: Keep): void {
    const equal = this.#states && sequence !== from ? 0 : alike; // a state is copied as a whole
    this.#forget(sequence, equal);
    if (sequence === from || length === 0) return;
    this.#library.memoryCopy(this.#memory, from, sequence, equal, length);
    this.#states?.copied(from, sequence);
  }

  /** Cleans up after a failure. Errors of the cleaning are dropped, since the first error says more; `held` tells the rest. */
  #tryToForget(sequence: number, from: number): void {
    try {
      this.#forget(sequence, from);
    } catch {}
  }

  #forget(sequence: number, from: number): void {
    if (from >= this.#lengthOf(sequence)) return;
    this.#keeper?.changedFrom(from);
    if (!this.#library.memoryRemove(this.#memory, sequence, from, -1))
      throw new Error(`llama.cpp cannot cut sequence ${sequence} back to ${from} tokens`);
    this.#states?.cut(sequence);
  }

  #exclusively<T>(task: (context: Pointer, waitMs: number) => T | Promise<T>): Promise<T> {
    return this.#pool.turns.take((waitMs) => {
      if (this.#context === undefined) throw new Error('The context was disposed of');
      return task(this.#context, waitMs);
    });
  }

  #lengthOf(sequence: number): number {
    return this.#context === undefined ? 0 : this.#library.memoryLength(this.#memory, sequence);
  }

  /** llama.cpp would not survive others. */
  #checkTokens(batch: readonly BatchToken[]): void {
    for (const { token } of batch)
      if (!(Number.isInteger(token) && token >= 0 && token < this.#options.vocabularySize))
        throw new RangeError(`${token} is no token of a vocabulary of ${this.#options.vocabularySize}`);
  }
}

/** @returns the result of llama_decode in words */
function failureOf(code: number): string {
  if (code === 1) return 'llama.cpp has no room in its KV cache for the batch';
  return `llama.cpp failed to evaluate a batch (code ${code})`;
}
