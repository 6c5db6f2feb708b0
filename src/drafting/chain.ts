import { logProbOf } from '../math/distribution.js';
import { sample } from '../math/sample.js';
import { type DraftNode, type LogProb, type Prefix, type Rng, ROOT } from '../types.js';
import type { Drafter, DraftOptions, NextTokens } from './drafter.js';

/**
 * Draws tokens one by one from the draft model, as if it were writing the text alone. Where it stops may depend on the
 * tokens so far, but all that were drawn are judged: a lossless rule needs the last one as it came, likely or not.
 */
export function chainDrafter(next: NextTokens, { length, isEnd }: DraftOptions): Drafter {
  return async (prefix: Prefix, room: number, rng: Rng) => {
    const chain: DraftNode[] = [];
    const logQ: LogProb[] = []; // of the first 1, 2, … guesses together
    const most = length.begin(room, true);
    while (chain.length < most && (chain.length === 0 || length.goesOn(logQ, false))) {
      const last = chain.length === 0 ? ROOT : chain.length - 1;
      const [q] = await next(prefix, chain, [last]);
      if (q!.tokens.length === 0) break; // nothing is allowed there
      const token = sample(q!, rng());
      chain.push({ token, parent: last, q: q! });
      logQ.push((logQ.at(-1) ?? 0) + logProbOf(q!, token));
      if (isEnd(token)) break;
    }
    return chain;
  };
}
