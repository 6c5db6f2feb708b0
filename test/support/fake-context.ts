import type { BatchToken, Context, Keep, Pass, PassAnswer, ReadRequest } from '../../src/engine/passes.js';
import type { TokenId, TopLogits } from '../../src/types.js';
import { type FakeModel, readLogits, VOCABULARY } from './fake-model.js';

export interface FakeContextOptions {
  readonly capacity?: number;
  readonly sequences?: number;
  readonly batchSize?: number;
  readonly sharesCells?: boolean;
  readonly rollback?: number | undefined; // less than Infinity: as with recurrent layers
  readonly now?: () => number; // ms; time passes where it is looked at
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
  readonly rollback: number;
  readonly texts: TokenId[][]; // that the sequences really hold
  passes = 0;
  evaluated = 0; // tokens
  copies = 0; // sequences copied to
  disposed = false;
  canCopy = true;
  readonly #model: FakeModel;
  readonly #now: () => number;
  readonly #behind: number[]; // tokens that each sequence can forget, where it cannot forget any number
  readonly #cut = new Set<number>(); // sequences that were cut back since their last pass
  #busy = false;
  #untilFailure = 0;
  #untilForgetFails = 0;

  constructor(
    model: FakeModel,
    {
      capacity = 64,
      sequences = 1,
      batchSize = 4,
      sharesCells = false,
      rollback = Infinity,
      now = () => 0,
    }: FakeContextOptions = {},
  ) {
    this.capacity = capacity;
    this.sequences = sequences;
    this.batchSize = batchSize;
    this.sharesCells = sharesCells;
    this.rollback = rollback;
    this.texts = Array.from({ length: sequences }, () => []);
    this.#behind = this.texts.map(() => (rollback === Infinity ? Infinity : 0));
    this.#model = model;
    this.#now = now;
  }

  get held(): readonly number[] {
    return this.texts.map(({ length }) => length);
  }

  get least(): readonly number[] {
    return this.texts.map(({ length }, sequence) => Math.max(0, length - this.#behind[sequence]!));
  }

  /** Makes the n-th evaluation from now on fail halfway. */
  failIn(n: number): void {
    this.#untilFailure = n;
  }

  /** Makes the n-th time that a sequence is cut back fail, from now on: it loses all. */
  failToForgetIn(n: number): void {
    this.#untilForgetFails = n;
  }

  async run({ keeps, batch, read }: Pass): Promise<PassAnswer> {
    const asked = this.#now();
    this.#enter();
    this.#busy = true;
    const started = this.#now();
    try {
      await undefined; // what else is running gets its turn, as with a real engine
      for (const keep of keeps) this.#keep(keep);
      const rows = batch.length > 0 ? this.#evaluate(batch, read) : [];
      return { rows, ms: this.#now() - started, waitMs: started - asked };
    } finally {
      this.#busy = false;
    }
  }

  #evaluate(batch: readonly BatchToken[], read: ReadRequest): TopLogits[] {
    this.passes++;
    const failsAt = --this.#untilFailure === 0 ? Math.floor(batch.length / 2) : -1;
    const before = this.texts.map(({ length }) => length);
    try {
      const rows: TopLogits[] = [];
      for (const [i, item] of batch.entries()) {
        if (i === failsAt) throw new EngineFailure('The engine failed');
        const text = this.#append(item);
        if (item.wanted) rows.push(readLogits(this.#model, text, read, item.mask));
      }
      this.#remember(batch);
      return rows;
    } catch (error) {
      // Some engines lose all that a sequence held, others what the batch added.
      for (const { sequences } of batch)
        for (const sequence of sequences)
          if (this.texts[sequence]) this.texts[sequence].length = this.sharesCells ? before[sequence]! : 0;
      for (const { sequences } of batch) for (const sequence of sequences) this.#cut.add(sequence);
      throw error;
    }
  }

  #keep({ sequence, from, length }: Keep): void {
    const [text, source] = [this.#text(sequence), this.#text(from)];
    if (!Number.isInteger(length) || length < 0 || length > source.length)
      throw new RangeError(`Sequence ${from} holds ${source.length} tokens, not ${length}`);
    if (sequence !== from) this.copies++;
    else if (length < text.length && --this.#untilForgetFails === 0) {
      text.length = 0;
      throw new EngineFailure('The engine failed to forget');
    }
    if (this.rollback < Infinity && length > 0) this.#refuseOtherStates({ sequence, from, length });
    const kept = sequence === from || this.canCopy ? source.slice(0, length) : [];
    text.splice(0, Number.POSITIVE_INFINITY, ...kept);
  }

  /** A state is there at the end of a text and behind the last tokens of its last pass; only the first can be copied. */
  #refuseOtherStates({ sequence, from, length }: Omit<Keep, 'alike'>): void {
    const isWhole = length === this.held[from];
    if (
      length < (sequence === from ? this.least[from]! : this.held[from]!) ||
      (sequence !== from && this.#cut.has(from))
    )
      throw new RangeError(`Sequence ${from} has no state of its first ${length} tokens`);
    if (sequence === from && isWhole) return;
    this.#behind[from] = 0;
    this.#behind[sequence] = 0;
    if (sequence === from) this.#cut.add(sequence);
    else this.#cut.delete(sequence);
  }

  #remember(batch: readonly BatchToken[]): void {
    if (this.rollback === Infinity) return;
    const evaluated = batch.map(({ sequences }) => sequences[0]!);
    this.#behind.fill(0);
    for (const sequence of evaluated) {
      this.#cut.delete(sequence);
      const count = evaluated.filter((other) => other === sequence).length;
      if (count === evaluated.length) this.#behind[sequence] = Math.min(this.rollback, count - 1);
    }
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
    const text = this.texts[sequence];
    if (!text) throw new RangeError(`There is no sequence ${sequence}`);
    return text;
  }

  #enter(): void {
    if (this.#busy) throw new Error('The context is called while it is evaluating');
    if (this.disposed) throw new Error('The context is called after it was disposed of');
  }
}
