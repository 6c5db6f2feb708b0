import { depthsOf } from '../math/draft-tree.js';
import { rawLogProb } from '../math/raw-log-prob.js';
import { readOf, truncateAfter } from '../math/truncate.js';
import {
  type Distribution,
  type Draft,
  type FinishReason,
  type LogProb,
  type Rng,
  ROOT,
  type TokenId,
} from '../types.js';
import type { CacheManager } from './cache-manager.js';
import { cut, type EndCheck } from './cut.js';
import type { Strategy } from './strategy.js';

/** What the loop needs besides a strategy and a cache: when to stop, chance and time. */
export interface DecodeOptions {
  /** >= 1. */
  readonly maxTokens: number;
  readonly rng: Rng;
  readonly endsWith: EndCheck;
  /** Also give the emitted tokens' raw log-probabilities. */
  readonly rawLogProbs: boolean;
  /** In milliseconds. */
  readonly now: () => number;
  readonly signal?: AbortSignal | undefined;
}

/** One round of the loop. */
export interface Step {
  /** Committed tokens before it. */
  readonly position: number;
  readonly draft: Draft;
  /** [draft.length + 1], as the strategy saw them. */
  readonly p: readonly Distribution[];
  /** Tokens guessed in a row that the text had room for, on the longest path: [0..gamma] */
  readonly drafted: number;
  /** Draft tokens kept and emitted: [0..drafted] */
  readonly accepted: number;
  /** The target's own token, if any; not emitted where the text was cut before it. */
  readonly next: TokenId | undefined;
  /** [1..gamma + 1] */
  readonly emitted: readonly TokenId[];
  /** Per emitted token. */
  readonly rawLogProbs: readonly LogProb[] | undefined;
  readonly targetPasses: number;
  readonly draftPasses: number;
  readonly ms: StepMs;
}

/**
 * The parts of a step's time, in milliseconds. A step lasts from the end of the step before, or from the start, to its own
 * end, so the time that its caller spends on a step counts in the next step's `own`.
 */
export interface StepMs {
  /** Inside llama.cpp's calls for the draft model. */
  readonly draft: number;
  /** Inside llama.cpp's calls for the target model. */
  readonly verify: number;
  /** Until passes of other texts on the same engine had ended. */
  readonly wait: number;
  /** The rest. */
  readonly own: number;
}

/**
 * Draft, verify, accept, roll back, emit: the loop of every strategy. Autoregressive decoding is the empty
 * draft. Appends to `prefix`, which must hold at least one token, whatever is emitted.
 */
export async function* decode(
  strategy: Strategy,
  cache: CacheManager,
  prefix: TokenId[],
  { maxTokens, rng, endsWith, rawLogProbs, now, signal }: DecodeOptions,
): AsyncGenerator<Step, FinishReason> {
  const read = readOf(strategy.truncation, rawLogProbs);
  let last = now();
  for (let emitted = 0; emitted < maxTokens; ) {
    if (signal?.aborted) return 'interrupted';
    const position = prefix.length;
    if (position > cache.capacity) return 'context';
    const before = { target: cache.target.work, draft: cache.draft?.work };

    const room = cache.capacity - position; // not shortened by maxTokens, so that a text does not depend on where it is cut
    const draft = await strategy.draft(prefix, room, rng);
    const nodes = [ROOT, ...draft.keys()];
    const rows = await cache.target.evaluate(prefix, draft, nodes, read);
    const p = truncateAfter(rows, prefix, draft, nodes, strategy.truncation);
    const { accepted, next } = strategy.accept(draft, p, rng);

    const guessed = accepted.map((node) => draft[node]!.token);
    const block = next === undefined ? guessed : [...guessed, next];
    const left = maxTokens - emitted;
    const { tokens, finish } = cut(block.slice(0, left), endsWith); // before committing and counting
    const judges = [ROOT, ...accepted].map((node) => rows[node + 1]!); // the row before each token
    const raw = rawLogProbs ? tokens.map((token, i) => rawLogProb(judges[i]!, token)!) : undefined;
    prefix.push(...tokens);
    cache.rollback(prefix);

    const verify = cache.target.work.ms - before.target.ms;
    const draftMs = (cache.draft?.work.ms ?? 0) - (before.draft?.ms ?? 0);
    const wait =
      cache.target.work.waitMs -
      before.target.waitMs +
      ((cache.draft?.work.waitMs ?? 0) - (before.draft?.waitMs ?? 0));
    const at = now();
    const wall = at - last;
    last = at;
    emitted += tokens.length;
    yield {
      position,
      draft,
      p,
      drafted: Math.min(left, Math.max(0, ...depthsOf(draft))),
      accepted: Math.min(accepted.length, tokens.length),
      next,
      emitted: tokens,
      rawLogProbs: raw,
      targetPasses: cache.target.work.passes - before.target.passes,
      draftPasses: (cache.draft?.work.passes ?? 0) - (before.draft?.passes ?? 0),
      ms: { draft: draftMs, verify, wait, own: wall - draftMs - verify - wait },
    };
    if (finish) return finish;
  }
  return 'length';
}
