import type { Context } from '../engine/port.js';
import { rawLogProb } from '../math/raw-log-prob.js';
import type { LogProb, TokenId } from '../types.js';

/** Logits read beyond those that a strategy saw: rounding may move a token down a rank or two. */
const MARGIN = 32;

/**
 * The raw log-probability of texts under the target, whoever wrote them. Apart from the timed loop, so that reading the
 * whole vocabulary costs no contender time, and one that does not tell its probabilities is judged like the others.
 */
export class Scorer {
  readonly #context: Context; // of one sequence
  readonly #top: number;

  /** @param top how many of the largest logits the writers chose from; 0 = all */
  constructor(context: Context, top: number) {
    this.#context = context;
    this.#top = top === 0 ? 0 : top + MARGIN;
  }

  /** @returns the sum over the emitted tokens; 0 where there are none */
  async score(prompt: readonly TokenId[], emitted: readonly TokenId[]): Promise<LogProb> {
    const { batchSize } = this.#context;
    const text = [...prompt, ...emitted].slice(0, -1); // nothing follows the last token
    let sum = 0;
    let judged = 0;
    for (let start = 0; start < text.length; start += batchSize) {
      const batch = text.slice(start, start + batchSize).map((token, i) => {
        const position = start + i;
        return { token, position, sequences: [0], wanted: position >= prompt.length - 1 };
      });
      const keeps = [{ sequence: 0, from: 0, length: start, alike: start }];
      const read = { top: this.#top, logSumExp: true };
      for (const row of (await this.#context.run({ keeps, batch, read })).rows)
        sum += rawLogProb(row, emitted[judged++]!)!;
    }
    return sum;
  }

  dispose(): Promise<void> {
    return this.#context.dispose();
  }
}
