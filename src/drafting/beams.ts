import { gumbelTop } from '../sampling/gumbel.js';
import { type DraftNode, type LogProb, type NodeIndex, type Prefix, type Rng, ROOT } from '../types.js';
import type { Drafter, DraftOptions, NextTokens } from './drafter.js';

export interface BeamOptions extends DraftOptions {
  readonly beamWidth: number; // beams kept per depth, >= 1
  /** Temperature 0: keep the likeliest beams (beam search) instead of drawing them. */
  readonly greedy: boolean;
}

/** A guess in the race: its last node, and the joint log-probability of all its tokens. */
interface Beam {
  readonly node: NodeIndex;
  readonly logQ: LogProb;
}

/**
 * Beam sampling on the draft model; the draft is the beam of the largest joint likelihood.
 * Qin et al. 2025, section 4.2. At each depth, beams are drawn without replacement from the table of all
 * one-token extensions, each with probability proportional to its joint likelihood. A beam that ends the
 * generation stays in the table as it is.
 */
export function beamDrafter(next: NextTokens, options: BeamOptions): Drafter {
  return async (prefix, room, rng) => {
    const { nodes, beams } = await growBeams(next, prefix, Math.min(options.gamma, room), rng, options);
    const best = beams.reduce((a, b) => (b.logQ > a.logQ ? b : a));
    return chainTo(nodes, best.node);
  };
}

/** All beams after `depth` tokens, as a tree. Each beam's likelihood is the true one, free of noise. */
async function growBeams(
  next: NextTokens,
  prefix: Prefix,
  depth: number,
  rng: Rng,
  { beamWidth, greedy, isEnd }: BeamOptions,
): Promise<{ nodes: DraftNode[]; beams: Beam[] }> {
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
  return { nodes, beams };
}

/** The path from the root to a node, as a draft of its own. */
function chainTo(nodes: readonly DraftNode[], leaf: NodeIndex): DraftNode[] {
  const path: DraftNode[] = [];
  for (let n = leaf; n !== ROOT; n = nodes[n]!.parent) path.unshift(nodes[n]!);
  return path.map(({ token, q }, i) => ({ token, q, parent: i === 0 ? ROOT : i - 1 }));
}
