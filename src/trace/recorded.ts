import { excerpt } from '../math/distribution.js';
import { depthsOf, pathsTo } from '../math/draft-tree.js';
import { definitionOf, STRATEGY_NAMES, type StrategyName } from '../strategies/index.js';
import { type Distribution, type Draft, type LogProb, type NodeIndex, ROOT, type TokenId } from '../types.js';

/** The settings that decide what is accepted of a draft. */
export interface ReplayRule {
  /** (0, 1] */
  readonly threshold: number;
  /** Guesses in a row that count, >= 1. */
  readonly draftLength: number;
  /** False where the strategy does not heed it. */
  readonly clip: boolean;
}

/** Strategies that toss no coin to accept: what they decide follows from a trace. */
export const REPLAYABLE = STRATEGY_NAMES.filter((name) => definitionOf(name).decide);

/** What `mtad --trace` wrote of one generation. */
export interface Trace {
  readonly file: string;
  readonly strategy: StrategyName;
  /** The one that was applied. */
  readonly rule: ReplayRule;
  /** At least one. */
  readonly steps: readonly RecordedStep[];
  /** Number of a last line that the run was ended in the middle of, left out. */
  readonly cutOff: number | null;
}

/** One step as a trace has it: what was drafted, and what came of it. */
export interface RecordedStep {
  /** As recorded. */
  readonly index: number;
  /** Of the file, from 1. */
  readonly line: number;
  /** Tokens that the token limit left, >= 1. */
  readonly room: number;
  /** Parents before children. */
  readonly nodes: readonly RecordedNode[];
  /** Guesses kept and emitted. */
  readonly accepted: number;
  /** These guesses, and one more token unless the text ended before it. */
  readonly emitted: readonly TokenId[];
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
