import type { DraftNode } from '../types.js';
import type { Drafter } from './drafter.js';
import type { FreeOptions, FreeSource } from './free-source.js';

/**
 * The same drafter, in whose place one of these sources guesses in the steps where that is expected to gain more. The choice
 * depends on the text so far alone, and not on what is drawn, so that a lossless rule stays lossless. Guesses are chosen one by
 * one from the source's distributions, and judged with the q that they were chosen from.
 */
export function withFirst(
  draft: Drafter,
  sources: readonly FreeSource[],
  { length, isEnd, choose }: FreeOptions,
): Drafter {
  return async (prefix, room, rng) => {
    const found = sources.map((source) => source.search(prefix));
    const matched = found.map((one) => one.matched);
    for (;;) {
      const chosen = length.inPlaceOfDraft(matched, room);
      if (!chosen) return draft(prefix, room, rng);
      const { name } = sources[chosen.source]!;
      const { next } = found[chosen.source]!;
      const chain: DraftNode[] = [];
      while (chain.length < chosen.guesses) {
        const [q] = await next(prefix, chain, [chain.length - 1]);
        if (q!.tokens.length === 0) break; // the source knows of nothing there that may follow
        const token = choose(q!, rng);
        chain.push({ token, parent: chain.length - 1, q: q!, from: name });
        if (isEnd(token)) break;
      }
      if (chain.length > 0) return chain;
      matched[chosen.source] = 0; // nothing was drawn: another one may be chosen
    }
  };
}
