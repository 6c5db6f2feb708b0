import type { BatchToken, Context, ReadRequest } from '../../src/engine/port.js';
import type { TokenId, TopLogits } from '../../src/types.js';
import { type FakeModel, readLogits, VOCABULARY } from './fake-model.js';

export interface FakeContextOptions {
  readonly capacity?: number;
  readonly sequences?: number;
  readonly batchSize?: number;
  readonly sharesCells?: boolean;
}

/** Thrown where a test asked for it. */
export class EngineFailure extends Error {
  override readonly name = 'EngineFailure';
}

/**
 * The memory of a fake model: it answers from the tokens that a sequence really holds, and refuses every
 * call that a real engine would get wrong in silence.
 */
export class FakeContext implements Context {
  readonly capacity: number;
  readonly sequences: number;
  readonly batchSize: number;
  readonly sharesCells: boolean;
  readonly held: TokenId[][];
  passes = 0;
  evaluated = 0; // tokens
  copies = 0; // sequences copied to
  disposed = false;
  canCopy = true;
  readonly #model: FakeModel;
  readonly #broken = new Set<number>();
  #busy = false;
  #untilFailure = 0;
  #untilForgetFails = 0;

  constructor(
    model: FakeModel,
    { capacity = 64, sequences = 1, batchSize = 4, sharesCells = false }: FakeContextOptions = {},
  ) {
    this.capacity = capacity;
    this.sequences = sequences;
    this.batchSize = batchSize;
    this.sharesCells = sharesCells;
    this.held = Array.from({ length: sequences }, () => []);
    this.#model = model;
  }

  /** Makes the n-th evaluation from now on fail halfway. */
  failIn(n: number): void {
    this.#untilFailure = n;
  }

  /** Makes the n-th call of `forget` that would remove something fail, from now on: what the sequence holds is unknown. */
  failToForgetIn(n: number): void {
    this.#untilForgetFails = n;
  }

  async decode(batch: readonly BatchToken[], read: ReadRequest): Promise<TopLogits[]> {
    this.#enter();
    this.#busy = true;
    this.passes++;
    const failsAt = --this.#untilFailure === 0 ? Math.floor(batch.length / 2) : -1;
    try {
      await undefined; // what else is running gets its turn, as with a real engine
      const rows: TopLogits[] = [];
      for (const [i, item] of batch.entries()) {
        if (i === failsAt) throw new EngineFailure('The engine failed');
        const text = this.#append(item);
        if (item.wanted) rows.push(readLogits(this.#model, text, read, item.mask));
      }
      return rows;
    } catch (error) {
      for (const { sequences } of batch) for (const sequence of sequences) this.#broken.add(sequence);
      throw error;
    } finally {
      this.#busy = false;
    }
  }

  async forget(sequence: number, from: number): Promise<void> {
    this.#enter();
    if (from === 0) this.#broken.delete(sequence);
    const text = this.#text(sequence);
    if (!Number.isInteger(from) || from < 0 || from > text.length)
      throw new RangeError(`Sequence ${sequence} holds ${text.length} tokens, not ${from}`);
    if (from < text.length && --this.#untilForgetFails === 0) {
      this.#broken.add(sequence);
      throw new EngineFailure('The engine failed to forget');
    }
    text.length = from;
  }

  async copy(from: number, to: readonly number[], length: number): Promise<boolean> {
    this.#enter();
    if (length > this.#text(from).length)
      throw new RangeError(`Sequence ${from} holds less than ${length} tokens`);
    const text = this.canCopy ? this.#text(from).slice(0, length) : [];
    this.copies += to.length;
    for (const sequence of to) this.#text(sequence).splice(0, Number.POSITIVE_INFINITY, ...text);
    return this.canCopy;
  }

  async dispose(): Promise<void> {
    this.#enter();
    this.disposed = true;
  }

  #append({ token, position, sequences }: BatchToken): TokenId[] {
    const texts = sequences.map((sequence) => this.#text(sequence));
    if (texts.length === 0 || (texts.length > 1 && !this.sharesCells))
      throw new RangeError(`A token cannot belong to ${texts.length} sequences`);
    if (new Set(texts).size < texts.length || new Set(texts.map(String)).size > 1)
      throw new RangeError('A token belongs to different sequences that hold the same text');
    if (position !== texts[0]!.length)
      throw new RangeError(
        `Sequence ${sequences[0]} holds ${texts[0]!.length} tokens: ${position} is not next`,
      );
    if (position >= this.capacity)
      throw new RangeError(`Position ${position} is outside a context of ${this.capacity} tokens`);
    if (!(token >= 0 && token < VOCABULARY)) throw new RangeError(`${token} is no token`);
    for (const text of texts) text.push(token);
    this.evaluated++;
    return texts[0]!;
  }

  #text(sequence: number): TokenId[] {
    const text = this.held[sequence];
    if (!text) throw new RangeError(`There is no sequence ${sequence}`);
    if (this.#broken.has(sequence)) throw new Error(`Sequence ${sequence} is broken and was not forgotten`);
    return text;
  }

  #enter(): void {
    if (this.#busy) throw new Error('The context is called while it is evaluating');
    if (this.disposed) throw new Error('The context is called after it was disposed of');
  }
}
