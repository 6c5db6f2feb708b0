import type { Step } from '../decoding/loop.js';
import { type DraftLength, fixedLength } from '../drafting/length.js';
import { logProbOf } from '../math/distribution.js';
import { jointLogQ } from '../math/draft-tree.js';
import { type Block, keptOf as keptOfBlocks } from '../rules/block.js';
import { block } from '../strategies/block.js';
import { definitionOf } from '../strategies/index.js';
import { AdaptiveLength } from '../tuning/adaptive-length.js';
import { type CostCurves, passMs } from '../tuning/cost-curves.js';
import type { Learned } from '../tuning/learned.js';
import type { Draft, Rng } from '../types.js';
import type { Candidate } from './candidate.js';
import type { JudgedChain } from './recording.js';

/** An estimate of a text's figures under other settings, from its recorded chains. */
export interface Replayed {
  /** Number of emitted tokens. */
  readonly tokens: number;
  /** Milliseconds by the cost curves. */
  readonly ms: number;
  /** Number of emitted tokens that were drafted. */
  readonly accepted: number;
  /** Sum of the nats by which these are likelier than sampled tokens. */
  readonly surplus: number;
  readonly passes: number;
  /** The knowledge about the draft after the text. */
  readonly learned: Learned;
}

export interface ReplayOptions {
  readonly curves: CostCurves;
  /** Whether the log-probabilities of guesses tell how likely they are; at temperature 0 they do not. */
  readonly isTold: boolean;
  /** The knowledge about the draft before the text. */
  readonly learned: Learned;
  /** Random numbers for rules that need them. */
  readonly rng: Rng;
}

/**
 * Judges each recorded chain by the candidate's rule, as deep as the candidate would have drafted. The figures are an
 * estimate: after another decision the text would have gone on differently.
 */
export function replayed(
  chains: readonly JudgedChain[],
  candidate: Candidate,
  { curves, isTold, learned, rng }: ReplayOptions,
): Replayed {
  const { beamWidth = 1, draftLength, threshold = 1 } = candidate;
  const adaptive = new AdaptiveLength(curves, { beamWidth, isTold, threshold }, learned); // it also learns where the length is fixed
  const length = draftLength === 'auto' ? adaptive : fixedLength(draftLength);
  let [tokens, ms, accepted, surplus] = [0, 0, 0, 0];
  let unread = 1; // committed tokens that the draft model has not read
  for (const chain of chains) {
    const { drafted, judged } = draftedOf(chain.draft, length, candidate);
    const draft = chain.draft.slice(0, judged);
    const kept = keptOf(draft, chain, candidate, rng);
    const verifyMs = passMs(curves.target, judged + 1);
    const draftMs = draftMsOf(curves, drafted, unread, beamWidth);
    if (drafted > 0) unread = 1 + Math.max(0, kept + 1 - drafted);
    else unread++;
    tokens += kept + 1;
    ms += verifyMs + draftMs;
    accepted += kept;
    surplus += chain.surplus.slice(0, kept).reduce((a, b) => a + b, 0);
    adaptive.learn(stepOf(draft, kept, drafted, { draft: draftMs, verify: verifyMs }));
  }
  return { tokens, ms, accepted, surplus, passes: chains.length, learned: adaptive.learned };
}

/** Returns the number of guesses that the candidate makes, and the number of these that it has judged. */
function draftedOf(
  chain: Draft,
  length: DraftLength,
  { strategy }: Candidate,
): { drafted: number; judged: number } {
  const logQ = jointLogQ(chain);
  const judgesAll = definitionOf(strategy).isLossless;
  const most = Math.min(length.begin(chain.length, judgesAll), chain.length);
  let drafted = Math.min(1, most);
  while (drafted < most && length.goesOn(logQ.slice(0, drafted), false)) drafted++;
  return { drafted, judged: judgesAll ? drafted : length.judged(logQ.slice(0, drafted)) };
}

/** Returns the number of guesses that the candidate accepts: by its rule, by blocks, or each with probability p / q. */
function keptOf(
  draft: Draft,
  { p, blocks }: JudgedChain,
  { strategy, threshold = 1 }: Candidate,
  rng: Rng,
): number {
  const { decide } = definitionOf(strategy);
  if (decide) return decide(draft, p, { threshold, clip: false, draftLength: draft.length }).length;
  if (strategy === block.name) return keptOfBlocks(endingAt(blocks.slice(0, draft.length)), rng);
  const refused = draft.findIndex(
    ({ token, q }, i) => rng() >= Math.exp(logProbOf(p[i]!, token) - logProbOf(q, token)),
  );
  return refused === -1 ? draft.length : refused;
}

/** The same blocks where no guess follows: the whole one passes with probability a. */
function endingAt(blocks: readonly Block[]): Block[] {
  return blocks.map((one, i) => (i < blocks.length - 1 ? one : { ...one, passing: Math.exp(one.logA) }));
}

/** Returns the milliseconds of the draft model's passes. The first one also reads the tokens committed since the last. */
function draftMsOf({ draft }: CostCurves, drafted: number, unread: number, beamWidth: number): number {
  if (!draft || drafted === 0) return 0;
  return passMs(draft, unread) + (drafted - 1) * passMs(draft, beamWidth);
}

function stepOf(
  draft: Draft,
  kept: number,
  draftPasses: number,
  ms: Pick<Step['ms'], 'draft' | 'verify'>,
): Step {
  return {
    position: 1,
    draft,
    p: [],
    drafted: draft.length,
    accepted: kept,
    path: [...draft.keys()].slice(0, kept),
    next: 0,
    emitted: new Array(kept + 1).fill(0),
    rawLogProbs: undefined,
    targetPasses: 1,
    draftPasses,
    ms: { ...ms, wait: 0, own: 0 },
  };
}
