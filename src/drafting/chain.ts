import { sample } from '../math/sample.js';
import { type DraftNode, type Prefix, type Rng, ROOT } from '../types.js';
import type { Drafter, DraftOptions, NextTokens } from './drafter.js';

/** Draws tokens one by one from the draft model, as if it were writing the text alone. */
export function chainDrafter(next: NextTokens, { gamma, isEnd }: DraftOptions): Drafter {
  return async (prefix: Prefix, room: number, rng: Rng) => {
    const chain: DraftNode[] = [];
    while (chain.length < Math.min(gamma, room)) {
      const last = chain.length === 0 ? ROOT : chain.length - 1;
      const [q] = await next(prefix, chain, [last]);
      if (q!.tokens.length === 0) break; // nothing is allowed there
      const token = sample(q!, rng());
      chain.push({ token, parent: last, q: q! });
      if (isEnd(token)) break;
    }
    return chain;
  };
}
