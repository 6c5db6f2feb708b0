import { excerpt } from '../math/distribution.js';
import { depthsOf, pathsTo } from '../math/draft-tree.js';
import { definitionOf, STRATEGY_NAMES, type StrategyName } from '../strategies/index.js';
import { type Distribution, type Draft, type LogProb, type NodeIndex, ROOT, type TokenId } from '../types.js';

/** The settings that decide what is accepted of a draft. */
export interface ReplayRule {
  readonly threshold: number; // (0, 1]
  readonly draftLength: number; // guesses in a row that count, >= 1
  readonly clip: boolean; // false where the strategy does not heed it
}

/** Strategies that toss no coin to accept: what they decide follows from a trace. */
export const REPLAYABLE = STRATEGY_NAMES.filter((name) => definitionOf(name).decide);

/** What `mtad --trace` wrote of one generation. */
export interface Trace {
  readonly file: string;
  readonly strategy: StrategyName;
  readonly rule: ReplayRule; // the one that was applied
  readonly steps: readonly RecordedStep[]; // at least one
  readonly cutOff: number | null; // number of a last line that the run was ended in the middle of, left out
}

/** One step as a trace has it: what was drafted, and what came of it. */
export interface RecordedStep {
  readonly index: number; // as recorded
  readonly line: number; // of the file, from 1
  readonly room: number; // tokens that the token limit left, >= 1
  readonly nodes: readonly RecordedNode[]; // parents before children
  readonly accepted: number; // guesses kept and emitted
  readonly emitted: readonly TokenId[]; // these guesses, and one more token unless the text ended before it
}

/** One drafted token, and how likely each model found it. */
export interface RecordedNode {
  readonly token: TokenId;
  readonly parent: NodeIndex;
  readonly logQ: LogProb;
  readonly logP: LogProb;
}

/** The guesses of a step down to a depth of gamma, as the acceptance rules take them. */
export function draftOf({ nodes }: RecordedStep, draftLength: number): { draft: Draft; p: Distribution[] } {
  const whole = nodes.map(({ token, parent, logQ }) => ({ token, parent, q: excerpt([token], [logQ]) }));
  const children: RecordedNode[][] = [ROOT, ...nodes].map(() => []);
  for (const node of nodes) children[node.parent + 1]!.push(node);
  const depths = depthsOf(whole);
  const kept = [...whole.keys()].filter((node) => depths[node]! <= draftLength);
  const judges = [ROOT, ...kept].map((node) => children[node + 1]!);
  return {
    draft: pathsTo(whole, kept),
    p: judges.map((guesses) =>
      excerpt(
        guesses.map(({ token }) => token),
        guesses.map(({ logP }) => logP),
      ),
    ),
  };
}
