import { depthsOf } from '../math/draft-tree.js';
import { rawLogProb } from '../math/raw-log-prob.js';
import { readOf, truncateAfter } from '../math/truncate.js';
import {
  type Distribution,
  type Draft,
  type FinishReason,
  type LogProb,
  type NodeIndex,
  type Rng,
  ROOT,
  type TokenId,
} from '../types.js';
import type { CacheManager } from './cache-manager.js';
import { cut, type EndCheck } from './cut.js';
import type { Strategy } from './strategy.js';

/** The loop's inputs besides a strategy and a cache. */
export interface DecodeOptions {
  /** >= 1. */
  readonly maxTokens: number;
  readonly rng: Rng;
  readonly endsWith: EndCheck;
  /** Whether each step has the raw log-probabilities of its emitted tokens. */
  readonly rawLogProbs: boolean;
  /** A clock, in milliseconds. */
  readonly now: () => number;
  readonly signal?: AbortSignal | undefined;
}

/** One round of the loop. */
export interface Step {
  /** Number of committed tokens before the step. */
  readonly position: number;
  readonly draft: Draft;
  /** The target's distributions, as the strategy saw them: [draft.length + 1]. */
  readonly p: readonly Distribution[];
  /** Number of drafted tokens on the longest path, as far as the text had room for them: [0..gamma]. */
  readonly drafted: number;
  /** Draft tokens kept and emitted: [0..drafted] */
  readonly accepted: number;
  /** Those draft tokens, from the root: [accepted] */
  readonly path: readonly NodeIndex[];
  /** The target's own token, if any; not emitted where the text was cut before it. */
  readonly next: TokenId | undefined;
  /** The tokens that the text grew by: [1..gamma + 1]. */
  readonly emitted: readonly TokenId[];
  /** One for each emitted token; undefined where they were not asked for. */
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
 * The loop of every strategy: draft, verify, accept, roll back, emit. Autoregressive decoding has empty drafts.
 * @param prefix at least one token; the loop appends the emitted tokens
 * @returns the reason why the text ended
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

    const room = cache.roomBehind(position); // maxTokens does not shorten it, so that a short text is the beginning of a long one
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
      path: accepted.slice(0, tokens.length),
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
