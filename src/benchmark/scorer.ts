import type { Context } from '../engine/passes.js';
import { rawLogProb } from '../math/raw-log-prob.js';
import type { LogProb, TokenId } from '../types.js';

/** Number of logits read beyond those that a strategy saw, since rounding may lower a token by a rank or two. */
const MARGIN = 32;

/**
 * Computes the raw log-probability of any contender's text under the target. It runs outside the timed loop, so that reading
 * the whole vocabulary costs no contender time. It also scores the texts of contenders that do not give probabilities.
 */
export class Scorer {
  readonly #context: Context; // of one sequence
  readonly #top: number;

  /** @param top number of largest logits from which the writers chose; 0 = all */
  constructor(context: Context, top: number) {
    this.#context = context;
    this.#top = top === 0 ? 0 : top + MARGIN;
  }

  /** Returns the sum over the emitted tokens; 0 where there are none. */
  async score(prompt: readonly TokenId[], emitted: readonly TokenId[]): Promise<LogProb> {
    const { batchSize } = this.#context;
    const text = [...prompt, ...emitted].slice(0, -1); // no token follows the last one
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
