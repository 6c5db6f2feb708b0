import type { Context, Pass, PassAnswer } from '../../src/engine/passes.js';
import type { TopLogits } from '../../src/types.js';

const LOGITS = Float64Array.from({ length: 10 }, (_, rank) => -rank / 4);
const ROW: TopLogits = { tokens: Int32Array.from(LOGITS.keys()), logits: LOGITS };

/** An engine that costs nothing: it says the same after every text. What is left is what this project takes itself. */
export class IdleContext implements Context {
  readonly sharesCells = true;
  readonly rollback = Infinity;
  readonly batchSize = 512;
  readonly held: number[];
  readonly capacity: number;
  readonly sequences: number;

  constructor(capacity: number, sequences: number) {
    this.capacity = capacity;
    this.sequences = sequences;
    this.held = new Array<number>(sequences).fill(0);
  }

  get least(): readonly number[] {
    return this.held.map(() => 0);
  }

  async run({ keeps, batch }: Pass): Promise<PassAnswer> {
    for (const { sequence, length } of keeps) this.held[sequence] = length;
    for (const { position, sequences } of batch)
      for (const sequence of sequences) this.held[sequence] = position + 1;
    return { rows: batch.filter(({ wanted }) => wanted).map(() => ROW), ms: 0, waitMs: 0 };
  }

  async dispose(): Promise<void> {}
}
