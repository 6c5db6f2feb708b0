import { performance } from 'node:perf_hooks';
import { ResourceError, UsageError } from '../../errors.js';
import type { TokenId, TopLogits } from '../../types.js';
import type { Context, ContextOptions, Pass, PassAnswer, ReadRequest } from '../passes.js';
import type { Judge } from './judge.js';

/** Tokens of a row that a server may be asked for. */
const MOST_TOP = 1000;

/** Rows that are wanted of one sequence, by their place in the answer. */
interface Wanted {
  readonly position: number;
  readonly row: number;
}

/**
 * The texts of a target that runs elsewhere. The tokens are kept here and sent with each pass; the server's own cache holds
 * what it has evaluated. A pass that reads nothing sends nothing.
 */
export class RemoteContext implements Context {
  readonly capacity: number;
  readonly sequences: number;
  readonly rollback = Number.POSITIVE_INFINITY;
  readonly sharesCells = true;
  readonly batchSize: number;
  readonly #judge: Judge;
  readonly #texts: TokenId[][];

  constructor(judge: Judge, { capacity, sequences }: ContextOptions) {
    this.#judge = judge;
    this.capacity = capacity;
    this.sequences = sequences;
    this.batchSize = capacity;
    this.#texts = Array.from({ length: sequences }, () => []);
  }

  get held(): readonly number[] {
    return this.#texts.map(({ length }) => length);
  }

  get least(): readonly number[] {
    return this.#texts.map(() => 0);
  }

  async run({ keeps, batch, read }: Pass): Promise<PassAnswer> {
    for (const { sequence, from, length, alike } of keeps) this.#keep(sequence, from, length, alike);
    const before = this.held;
    const wanted = new Map<number, Wanted[]>(); // by sequence
    let rows = 0;
    for (const { token, position, sequences, wanted: isWanted, mask } of batch) {
      if (mask) throw new UsageError('A target elsewhere has no `grammar`');
      if (position >= this.capacity) throw new ResourceError(`The context holds ${this.capacity} tokens`);
      for (const sequence of sequences) this.#texts[sequence]![position] = token;
      if (!isWanted) continue;
      const sequence = sequences.find((one) => wanted.has(one)) ?? sequences[0]!;
      wanted.set(sequence, [...(wanted.get(sequence) ?? []), { position, row: rows++ }]);
    }
    if (rows === 0) return { rows: [], ms: 0, waitMs: 0 };
    try {
      return await this.#ask([...wanted], rows, read);
    } catch (error) {
      for (const [sequence, length] of before.entries()) this.#texts[sequence]!.length = length;
      throw error;
    }
  }

  async dispose(): Promise<void> {}

  #keep(sequence: number, from: number, length: number, alike: number): void {
    const text = this.#texts[sequence]!;
    if (from !== sequence) {
      text.length = alike;
      for (let i = alike; i < length; i++) text.push(this.#texts[from]![i]!);
    }
    text.length = length;
  }

  async #ask(wanted: readonly [number, Wanted[]][], count: number, read: ReadRequest): Promise<PassAnswer> {
    if (read.top === 0 || read.top > MOST_TOP)
      throw new UsageError(
        `A target elsewhere tells at most ${MOST_TOP} tokens of each place: give \`topK\` a number up to that`,
      );
    const questions = wanted.map(([sequence, places]) => {
      const positions = places.map(({ position }) => position);
      const tokens = this.#texts[sequence]!.slice(0, Math.max(...positions) + 1);
      return { tokens, from: Math.min(...positions) };
    });
    const started = performance.now();
    const answers = await this.#judge.judge(questions, read.top);
    const ms = performance.now() - started;
    const rows: TopLogits[] = Array(count);
    for (const [i, [, places]] of wanted.entries())
      for (const { position, row } of places)
        rows[row] = within(answers[i]![position - questions[i]!.from]!, read.vocabularySize);
    return { rows, ms, waitMs: 0 };
  }
}

/** Leaves out what only the target has. */
function within(row: TopLogits, size: number | undefined): TopLogits {
  if (size === undefined || row.tokens.every((token) => token < size)) return row;
  const places = [...row.tokens.keys()].filter((i) => row.tokens[i]! < size);
  return {
    ...row,
    tokens: Int32Array.from(places, (i) => row.tokens[i]!),
    logits: Float64Array.from(places, (i) => row.logits[i]!),
  };
}
