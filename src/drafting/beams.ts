import { likeliestLeaf, pathsTo } from '../math/draft-tree.js';
import { gumbelTop } from '../math/gumbel.js';
import {
  type Draft,
  type DraftNode,
  type LogProb,
  type NodeIndex,
  type Prefix,
  type Rng,
  ROOT,
} from '../types.js';
import type { Drafter, DraftOptions, NextTokens } from './drafter.js';

export interface BeamOptions extends DraftOptions {
  /** Beams kept per depth, >= 1. */
  readonly beamWidth: number;
  /** Temperature 0: keep the likeliest beams (beam search) instead of drawing them. */
  readonly greedy: boolean;
}

/** A guess in the race: its last node, and the joint log-probability of all its tokens. */
interface Beam {
  readonly node: NodeIndex;
  /** Free of noise. */
  readonly logQ: LogProb;
}

/** The likeliest beam of `beamTreeDrafter`, a chain. */
export function beamDrafter(next: NextTokens, options: BeamOptions): Drafter {
  const draftTree = beamTreeDrafter(next, options);
  return async (prefix, room, rng) => {
    const tree = await draftTree(prefix, room, rng);
    return pathsTo(tree, [likeliestLeaf(tree)]);
  };
}

/**
 * Beam sampling: Qin et al. 2025, section 4.2. At each depth, beams are drawn without replacement from the table
 * of all one-token extensions, each with probability proportional to its joint likelihood. A beam that ends the
 * generation stays in the table as it is. The draft is the tree of the last beams, each of them one of its leaves.
 */
export function beamTreeDrafter(next: NextTokens, options: BeamOptions): Drafter {
  return (prefix, room, rng) => growBeams(next, prefix, Math.min(options.gamma, room), rng, options);
}

/** @param depth tokens of the longest beams */
async function growBeams(
  next: NextTokens,
  prefix: Prefix,
  depth: number,
  rng: Rng,
  { beamWidth, greedy, isEnd }: BeamOptions,
): Promise<Draft> {
  const nodes: DraftNode[] = [];
  const isComplete = ({ node }: Beam) => node !== ROOT && isEnd(nodes[node]!.token);
  let beams: Beam[] = [{ node: ROOT, logQ: 0 }];

  for (let d = 0; d < depth && !beams.every(isComplete); d++) {
    const live = beams.filter((beam) => !isComplete(beam));
    const qs = await next(
      prefix,
      nodes,
      live.map(({ node }) => node),
    );
    const extensions = live.flatMap(({ node, logQ }, i) => {
      const q = qs[i]!;
      return Array.from(q.tokens, (token, v) => ({ token, parent: node, q, logQ: logQ + q.logProbs[v]! }));
    });
    const table = [...beams.filter(isComplete), ...extensions];
    if (table.length === 0) break; // nothing is allowed behind any of them: what is guessed so far stands
    const drawn = gumbelTop(
      Float64Array.from(table, ({ logQ }) => logQ),
      beamWidth,
      greedy ? undefined : rng,
    );
    beams = drawn.map((cell) => {
      const beam = table[cell]!;
      if ('node' in beam) return beam;
      const { token, parent, q, logQ } = beam;
      return { node: nodes.push({ token, parent, q }) - 1, logQ };
    });
  }
  const ends = beams.map(({ node }) => node);
  return pathsTo(nodes, ends); // without the nodes of beams that were dropped on the way
}
