import { jointLogQ, pathsTo, pathTo } from '../math/draft-tree.js';
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
import type { DraftLength } from './length.js';

export interface BeamOptions extends DraftOptions {
  /** Beams kept per depth now, >= 1: asked at each step. */
  readonly beamWidth: () => number;
  /** Temperature 0: keep the likeliest beams (beam search) instead of drawing them. */
  readonly greedy: boolean;
}

/** A guess in the race: its last node, and the joint log-probability of all its tokens. */
interface Beam {
  readonly node: NodeIndex;
  /** Free of noise. */
  readonly logQ: LogProb;
}

/** The likeliest beam of those that were drawn at the depth to be judged, a chain. */
export function beamDrafter(next: NextTokens, options: BeamOptions): Drafter {
  return async (prefix, room, rng) => {
    const { nodes, ends } = await growBeams(next, prefix, room, rng, options);
    return pathsTo(nodes, ends.slice(0, 1));
  };
}

/**
 * Beam sampling: Qin et al. 2025, section 4.2. At each depth, beams are drawn without replacement from the table
 * of all one-token extensions, each with probability proportional to its joint likelihood. A beam that ends the
 * generation stays in the table as it is. The draft is the tree of the beams at the depth to be judged, each of them one
 * of its leaves.
 */
export function beamTreeDrafter(next: NextTokens, options: BeamOptions): Drafter {
  return async (prefix, room, rng) => {
    const { nodes, ends } = await growBeams(next, prefix, room, rng, options);
    return pathsTo(nodes, worthJudging(nodes, ends, options.length)); // without those of beams that were dropped on the way
  };
}

/** The likeliest beam, and of the others those that the target is to judge beside it. */
function worthJudging(nodes: Draft, ends: readonly NodeIndex[], length: DraftLength): readonly NodeIndex[] {
  const logQ = jointLogQ(nodes);
  const likeliest = ends.length > 0 ? pathTo(nodes, ends[0]!) : [];
  const judged = new Set(likeliest);
  return ends.filter((end, rank) => {
    const path = pathTo(nodes, end);
    const added = path.flatMap((node, i) => {
      const likeliestLogQ = logQ[likeliest[i]!] ?? -Infinity; // which may have ended before
      return judged.has(node) ? [] : [{ depth: i + 1, logQ: logQ[node]!, likeliestLogQ }];
    });
    if (rank > 0 && !length.judgesBeside(added, judged.size + 1)) return false;
    for (const node of path) judged.add(node);
    return true;
  });
}

interface Grown {
  /** All nodes that were ever drawn. */
  readonly nodes: Draft;
  /** The last nodes of the beams at the depth to be judged, the likeliest first. */
  readonly ends: readonly NodeIndex[];
}

const NOTHING: Grown = { nodes: [], ends: [] };

async function growBeams(
  next: NextTokens,
  prefix: Prefix,
  room: number,
  rng: Rng,
  { length, beamWidth, greedy, isEnd }: BeamOptions,
): Promise<Grown> {
  const most = length.begin(room, false);
  if (most === 0) return NOTHING;
  const nodes: DraftNode[] = [];
  const isComplete = ({ node }: Beam) => node !== ROOT && isEnd(nodes[node]!.token);
  let beams: Beam[] = [{ node: ROOT, logQ: 0 }];
  const layers: (readonly NodeIndex[])[] = []; // the beams of each depth, the likeliest first
  const logQs: LogProb[] = []; // of the likeliest
  let best: Beam | undefined;

  const width = beamWidth();
  while (layers.length < most && !beams.every(isComplete)) {
    if (best && !length.goesOn(logQs, isComplete(best))) break;
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
      width,
      greedy ? undefined : rng,
    );
    beams = drawn.map((cell) => {
      const beam = table[cell]!;
      if ('node' in beam) return beam;
      const { token, parent, q, logQ } = beam;
      return { node: nodes.push({ token, parent, q }) - 1, logQ };
    });
    const ranked = beams.toSorted((a, b) => b.logQ - a.logQ || a.node - b.node);
    layers.push(ranked.map(({ node }) => node));
    best = ranked[0]!;
    logQs.push(best.logQ);
  }
  return { nodes, ends: layers[length.judged(logQs) - 1] ?? [] };
}
