import { excerpt } from '../math/distribution.js';
import { depthsOf, pathsTo } from '../math/draft-tree.js';
import { definitionOf, STRATEGY_NAMES, type StrategyName } from '../strategies/index.js';
import { type Distribution, type Draft, type LogProb, type NodeIndex, ROOT, type TokenId } from '../types.js';

/** The settings of the rule that accepts tokens of a draft. */
export interface ReplayRule {
  /** In (0, 1]; 'auto': each step's own, of a trace whose threshold moved. */
  readonly threshold: number | 'auto';
  /** The most drafted tokens in a row that count, >= 1. */
  readonly draftLength: number;
  /** False where the strategy does not use it. */
  readonly clip: boolean;
}

/** Strategies whose rule uses no random number. Their decisions follow from a trace. */
export const REPLAYABLE = STRATEGY_NAMES.filter((name) => definitionOf(name).decide);

/** The trace of one generation, as `mtad --trace` wrote it. */
export interface Trace {
  readonly file: string;
  readonly strategy: StrategyName;
  /** The rule that was applied. */
  readonly rule: ReplayRule;
  /** One step or more. */
  readonly steps: readonly RecordedStep[];
  /** Number of the last line, if the run ended in the middle of it; it is left out. Else null. */
  readonly cutOff: number | null;
}

/** A step of a trace: the draft, and the tokens that were accepted and emitted. */
export interface RecordedStep {
  /** The recorded index of the step. */
  readonly index: number;
  /** Number of the line in the file, from 1. */
  readonly line: number;
  /** Number of tokens that the token limit left, >= 1. */
  readonly room: number;
  /** Parents before children. */
  readonly nodes: readonly RecordedNode[];
  /** Number of drafted tokens that were kept and emitted. */
  readonly accepted: number;
  /** These drafted tokens, and one more token unless the text ended before it. */
  readonly emitted: readonly TokenId[];
  /** The one that decided, (0, 1], where it moved; else undefined. */
  readonly threshold?: number | undefined;
}

/** A drafted token, and its log-probability under each model. */
export interface RecordedNode {
  readonly token: TokenId;
  readonly parent: NodeIndex;
  readonly logQ: LogProb;
  readonly logP: LogProb;
  /** Whether another source guessed it, behind the likeliest beam. */
  readonly isTail?: boolean | undefined;
}

/** Returns the draft of a step down to a depth of `draftLength`, and the target's distributions, as the rules take them. */
export function draftOf({ nodes }: RecordedStep, draftLength: number): { draft: Draft; p: Distribution[] } {
  const whole = nodes.map(({ token, parent, logQ, isTail }) => ({
    token,
    parent,
    q: excerpt([token], [logQ]),
    isTail,
  }));
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
