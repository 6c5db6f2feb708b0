import { logProbOf } from '../math/distribution.js';
import { jointLogQ, likeliestLeaf, pathTo } from '../math/draft-tree.js';
import type { DraftNode, LogProb } from '../types.js';
import type { Drafter } from './drafter.js';
import type { FreeOptions, FreeSource } from './free-source.js';

/**
 * The same drafter, and behind the likeliest of its guesses those of a source that takes no pass. They are chosen one by one
 * from that source's distributions, and all of them are judged, each with the q that it was chosen from: to a rule they are
 * guesses like all others.
 */
export function withTail(
  draft: Drafter,
  { next, name }: Pick<FreeSource, 'next' | 'name'>,
  { length, isEnd, choose }: FreeOptions,
): Drafter {
  return async (prefix, room, rng) => {
    const nodes: DraftNode[] = [...(await draft(prefix, room, rng))];
    let last = likeliestLeaf(nodes);
    const joint = jointLogQ(nodes);
    const head = pathTo(nodes, last);
    const headLogQ = head.map((node) => joint[node]!);
    const tailLogQ: LogProb[] = []; // of the first 1, 2, … guesses of the tail together
    const isOver = () => last >= 0 && isEnd(nodes[last]!.token);
    while (!isOver() && head.length + tailLogQ.length < room) {
      const [q] = await next(prefix, nodes, [last]);
      if (q!.tokens.length === 0) break; // the source knows of nothing there
      const likeliest = (tailLogQ.at(-1) ?? 0) + q!.logProbs[0]!;
      if (!length.goesOnWithoutPass(headLogQ, [...tailLogQ, likeliest], nodes.length + 1)) break; // before a token is drawn
      const token = choose(q!, rng);
      last = nodes.push({ token, parent: last, q: q!, isTail: true, from: name }) - 1;
      tailLogQ.push((tailLogQ.at(-1) ?? 0) + logProbOf(q!, token));
    }
    return nodes;
  };
}
