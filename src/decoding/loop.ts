import { depthsOf } from '../math/draft-tree.js';
import { rawLogProb } from '../math/raw-log-prob.js';
import { logitsNeeded, truncateAfter } from '../math/truncate.js';
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
  readonly maxTokens: number; // >= 1
  readonly rng: Rng;
  readonly endsWith: EndCheck;
  /** Also give the emitted tokens' raw log-probabilities. */
  readonly rawLogProbs: boolean;
  readonly now: () => number; // ms
  readonly signal?: AbortSignal | undefined;
}

/** One round of the loop. */
export interface Step {
  readonly position: number; // committed tokens before it
  readonly draft: Draft;
  readonly p: readonly Distribution[]; // [draft.length + 1], as the strategy saw them
  readonly drafted: number; // tokens guessed in a row that the text had room for, on the longest path: [0..gamma]
  readonly accepted: number; // draft tokens kept and emitted: [0..drafted]
  readonly next: TokenId | undefined; // the target's own token, if any; not emitted where the text was cut before it
  readonly emitted: readonly TokenId[]; // [1..gamma + 1]
  readonly rawLogProbs: readonly LogProb[] | undefined; // per emitted token
  readonly targetPasses: number;
  readonly draftPasses: number;
  readonly ms: { readonly draft: number; readonly verify: number; readonly own: number };
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
  const { constraint } = strategy.truncation;
  const read = { top: logitsNeeded(strategy.truncation), logSumExp: rawLogProbs, constraint };
  for (let emitted = 0; emitted < maxTokens; ) {
    if (signal?.aborted) return 'interrupted';
    const position = prefix.length;
    if (position > cache.capacity) return 'context';
    const before = { at: now(), target: cache.target.work, draft: cache.draft?.work };

    const room = cache.capacity - position; // whatever maxTokens leaves: a short text begins as a long one
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
    prefix.push(...tokens);
    try {
      await cache.rollback(prefix);
    } catch (error) {
      prefix.length = position; // the text is what was yielded
      throw error;
    }

    const verify = cache.target.work.ms - before.target.ms;
    const draftMs = (cache.draft?.work.ms ?? 0) - (before.draft?.ms ?? 0);
    emitted += tokens.length;
    yield {
      position,
      draft,
      p,
      drafted: Math.min(left, Math.max(0, ...depthsOf(draft))),
      accepted: Math.min(accepted.length, tokens.length),
      next,
      emitted: tokens,
      rawLogProbs: rawLogProbs ? tokens.map((token, i) => rawLogProb(judges[i]!, token)!) : undefined,
      targetPasses: cache.target.work.passes - before.target.passes,
      draftPasses: (cache.draft?.work.passes ?? 0) - (before.draft?.passes ?? 0),
      ms: { draft: draftMs, verify, own: now() - before.at - draftMs - verify },
    };
    if (finish) return finish;
  }
  return 'length';
}
