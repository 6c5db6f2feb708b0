import { excerpt } from '../math/distribution.js';
import { depthsOf, jointLogQ, likeliestLeaf, pathTo } from '../math/draft-tree.js';
import { definitionOf, STRATEGY_NAMES } from '../strategies/index.js';
import { type StartLine, type StepLine, startLine, stepLine } from '../trace/format.js';
import type { Owner } from '../trace/open-source.js';
import { sourceName } from '../trace/open-source.js';
import { traceValues } from '../trace/read-trace.js';
import { parse } from '../trace/trace-line.js';
import { type Draft, type DraftSource, ROOT } from '../types.js';

/** A run as its trace tells it. */
export interface JudgedRun {
  readonly file: string;
  readonly params: StartLine['params'];
  readonly strategy: string;
  readonly promptTokens: number;
  /** Whether blocks are judged by their joint likelihood; else token by token, or by a rule of their own. */
  readonly isJoint: boolean;
  readonly steps: readonly JudgedStep[];
  /** Number of the last line, where the run ended in the middle of it. Else null. */
  readonly cutOff: number | null;
}

export interface JudgedStep {
  /** From 0. */
  readonly index: number;
  /** By which it was judged; undefined: the strategy has none. */
  readonly threshold: number | undefined;
  /** The likeliest path first, children behind their parents. */
  readonly guesses: readonly Guess[];
  /** The text of the target's own token; undefined: none was emitted. */
  readonly own: string | undefined;
}

/** A drafted token. */
export interface Guess {
  readonly text: string;
  /** From 1. */
  readonly depth: number;
  /** Log-probabilities under each model, given what stands before it. */
  readonly logQ: number;
  readonly logP: number;
  /** Of all tokens on the path to it, itself included. */
  readonly jointLogQ: number;
  readonly jointLogP: number;
  /** What the rule compares with ln tau: P_j - Q_j, where Q_j is of the likeliest beam. */
  readonly logRatio: number;
  readonly isAccepted: boolean;
  /** Whether it is a token of the likeliest beam. */
  readonly isLikeliest: boolean;
  /** Its source; undefined: the run has one alone. */
  readonly from: DraftSource | undefined;
}

/**
 * Reads a trace of any strategy, from standard input if the path is `-`.
 * @throws UsageError that names file and line, for a file that is not a trace
 */
export async function readJudgedRun(path: string, owner?: Owner): Promise<JudgedRun> {
  const values = traceValues(path, owner);
  let start: StartLine | undefined;
  const steps: JudgedStep[] = [];
  let cutOff: number | null;
  try {
    let turn = await values.next();
    for (; !turn.done; turn = await values.next()) {
      const { value, refuse } = turn.value;
      if (!start) {
        if ((value as { type?: unknown } | null)?.type !== 'start')
          throw refuse('not the start line of a trace, which mtad --trace writes first');
        start = parse(startLine, value, refuse);
        continue;
      }
      const line = parse(stepLine, value, refuse);
      const nodes = nodesOf(line);
      if (line.log_q.length !== line.draft.length || line.log_p.length !== line.draft.length)
        throw refuse('draft, log_q and log_p differ in length');
      if (nodes.some(({ parent }, node) => parent >= node)) throw refuse('a node stands before its parent');
      steps.push(judgedStep(line, start));
    }
    cutOff = turn.value;
  } finally {
    await values.return(null); // closes the source of a refused trace, whose writer may go on for long
  }
  const { strategy, params, prompt_tokens } = start!;
  return {
    file: sourceName(path),
    params,
    strategy,
    promptTokens: prompt_tokens.length,
    isJoint: heedsThreshold(strategy),
    steps,
    cutOff,
  };
}

/** Strategies of users have rules of their own. */
function heedsThreshold(strategy: string): boolean {
  const known = STRATEGY_NAMES.find((name) => name === strategy);
  return known !== undefined && definitionOf(known).heeds.includes('threshold');
}

function nodesOf({
  nodes,
  draft,
  draft_text,
  draft_from,
  emitted,
  emitted_text,
  log_q,
  log_p,
}: StepLine): NonNullable<StepLine['nodes']> {
  const chain = () =>
    draft.map((token, i) => ({
      token,
      text: draft_text?.[i],
      parent: i - 1,
      log_q: log_q[i]!,
      log_p: log_p[i]!,
      from: draft_from?.[i],
    }));
  const texts = new Map([...pairs(draft, draft_text), ...pairs(emitted, emitted_text)]); // earlier traces have none with nodes
  return nodes?.map((node) => ({ text: texts.get(node.token), ...node })) ?? chain();
}

function pairs(tokens: readonly number[], texts: readonly string[] | undefined): [number, string][] {
  return (texts ?? []).map((text, i) => [tokens[i]!, text]);
}

function judgedStep(line: StepLine, { strategy, params }: StartLine): JudgedStep {
  const nodes = nodesOf(line);
  const drafted = (log: 'log_q' | 'log_p'): Draft =>
    nodes.map((node) => ({ ...node, q: excerpt([node.token], [node[log]]), isTail: node.is_tail }));
  const draft = drafted('log_q');
  const depths = depthsOf(draft);
  const jointQ = jointLogQ(draft);
  const jointP = jointLogQ(drafted('log_p'));
  const likeliest = pathTo(draft, likeliestLeaf(draft));
  const ratios = clippedRatios(line, params.clip && line.nodes === undefined);
  const accepted = acceptedNodes(line, nodes);
  const order = depthFirst(nodes, likeliest);
  const isTold = typeof params.threshold === 'number' && heedsThreshold(strategy);
  return {
    index: line.index,
    threshold: line.threshold ?? (isTold ? (params.threshold as number) : undefined),
    guesses: order.map((node) => {
      const { token, text = `[${token}]`, log_q: logQ, log_p: logP, from } = nodes[node]!;
      const depth = depths[node]!;
      const reference = jointQ[likeliest[depth - 1]!] ?? Number.POSITIVE_INFINITY; // nothing deeper than the likeliest passes
      return {
        text,
        depth,
        logQ,
        logP,
        jointLogQ: jointQ[node]!,
        jointLogP: jointP[node]!,
        logRatio: ratios?.[node] ?? jointP[node]! - reference,
        isAccepted: accepted.has(node),
        isLikeliest: likeliest.includes(node),
        from,
      };
    }),
    own: ownText(line),
  };
}

/** Ratios that are cut to 1 after each token of a chain; undefined: they are not. */
function clippedRatios({ log_q, log_p }: StepLine, clip: boolean): number[] | undefined {
  if (!clip) return undefined;
  let ratio = 0;
  return log_q.map((logQ, i) => {
    ratio = Math.min(0, ratio + log_p[i]! - logQ);
    return ratio;
  });
}

/** The path of accepted nodes, which the emitted tokens begin with. */
function acceptedNodes({ accepted, emitted }: StepLine, nodes: NonNullable<StepLine['nodes']>): Set<number> {
  const path = new Set<number>();
  let at: number = ROOT;
  for (const token of emitted.slice(0, accepted)) {
    at = nodes.findIndex((node) => node.parent === at && node.token === token);
    if (at === -1) break;
    path.add(at);
  }
  return path;
}

function depthFirst(nodes: NonNullable<StepLine['nodes']>, first: readonly number[]): number[] {
  const order: number[] = [];
  const visit = (parent: number): void => {
    const children = [...nodes.keys()].filter((node) => nodes[node]!.parent === parent);
    for (const node of children.sort((a, b) => Number(first.includes(b)) - Number(first.includes(a)))) {
      order.push(node);
      visit(node);
    }
  };
  visit(ROOT);
  return order;
}

function ownText({ accepted, emitted, emitted_text }: StepLine): string | undefined {
  if (emitted.length <= accepted) return undefined;
  return emitted_text?.[accepted] ?? `[${emitted[accepted]}]`;
}
