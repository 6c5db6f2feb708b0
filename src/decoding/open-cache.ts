import type { Context, ContextOptions } from '../engine/passes.js';
import type { Head, Model } from '../engine/port.js';
import { CacheCheck } from './cache-check.js';
import { CacheManager } from './cache-manager.js';
import { HeadCache } from './head-cache.js';
import { HeadFeed } from './head-feed.js';
import { HiddenTrail } from './hidden-trail.js';
import { ModelCache } from './model-cache.js';
import { REPLAY_LIMIT } from './plan-states.js';

/** The size and the form of the caches of both models. */
export interface CacheOptions extends Pick<ContextOptions, 'threads' | 'cacheType' | 'flashAttention'> {
  /** The most tokens of committed text, >= 1. */
  readonly capacity: number;
  /** The most branches of the target at once, >= 1. */
  readonly targetSequences: number;
  /** The most branches of the draft at once; 0: no draft model. */
  readonly draftSequences: number;
  /** The most tokens of a branch, >= 1. */
  readonly draftLength: number;
  /** The most tokens of a draft that a target with recurrent layers is to take back at once, >= 1; undefined: all. */
  readonly rollback?: number | undefined;
  /** Whether the target drafts, token by token; undefined: it judges whole drafts. */
  readonly targetDrafts?: boolean | undefined;
  /** Whether the target's own head drafts, in place of a draft model; undefined: not. */
  readonly usesHead?: boolean | undefined;
  readonly draftThreads?: number | undefined;
  /** Each so many passes of a model are held against a fresh evaluation, >= 1; undefined: none. */
  readonly verifyCache?: number | undefined;
}

/**
 * Opens the caches of both models, or of the target alone where the strategy needs no draft model.
 * @throws ResourceError where the memory does not suffice; no memory stays taken then
 */
export async function openCache(
  { target, draft }: { target: Model; draft: Model | undefined },
  options: CacheOptions,
): Promise<CacheManager> {
  const { targetSequences, draftSequences, draftLength, rollback = draftLength } = options;
  const { targetDrafts = false, usesHead = false } = options;
  const { threads, draftThreads = threads } = options;
  const head = usesHead ? target.head : undefined;
  const drafter = draftSequences === 0 ? undefined : usesHead ? head : draft;
  const use = { sequences: targetSequences, threads, rollback: targetDrafts ? undefined : rollback };
  const form = contextOptions(target, options, use);
  const targetContext = await target.createContext(usesHead ? { ...form, returnsHidden: true } : form);
  const watch = checkOf(target, 'target model', options, threads);
  if (!drafter) return new CacheManager(new ModelCache(targetContext, {}, watch));
  try {
    const draftForm = contextOptions(drafter, options, { sequences: draftSequences, threads: draftThreads });
    if (head) {
      const trail = new HiddenTrail();
      const headCache = new HeadCache(await openLayers(head, draftForm), new HeadFeed(trail));
      return new CacheManager(new ModelCache(targetContext, { trail }, watch), headCache, trail);
    }
    const draftContext = await drafter.createContext(draftForm);
    const draftWatch = checkOf(drafter, 'draft model', options, draftThreads);
    return new CacheManager(
      new ModelCache(targetContext, {}, watch),
      new ModelCache(draftContext, {}, draftWatch),
    );
  } catch (error) {
    await targetContext.dispose();
    throw error;
  }
}

/** Returns a context for each layer of a head, all or none. */
async function openLayers(head: Head, form: ContextOptions): Promise<Context[]> {
  const open: Context[] = [];
  try {
    while (open.length < head.layers)
      open.push(await head.createContext({ ...form, headLayer: open.length }));
    return open;
  } catch (error) {
    await Promise.all(open.map((context) => context.dispose()));
    throw error;
  }
}

/** A head has no check: what it reads are hidden states, which a fresh evaluation would have to make first. */
function checkOf(
  model: Model,
  name: string,
  { verifyCache, capacity, cacheType, flashAttention }: CacheOptions,
  threads: number | undefined,
): CacheCheck | undefined {
  if (verifyCache === undefined) return undefined;
  const form = { capacity, sequences: 1, threads, cacheType, flashAttention };
  return new CacheCheck(verifyCache, name, () => model.createContext(form));
}

/** What a context is for. */
interface Use {
  /** Branches at once. */
  readonly sequences: number;
  readonly threads: number | undefined;
  /** Tokens to take back where whole drafts are judged; undefined: drafts are made. */
  readonly rollback?: number | undefined;
}

/**
 * Returns options with as many cells as needed where they are shared: the text once, and the tokens of each further branch.
 * States cannot be cut back, so other sequences keep the text that the next steps begin with: one where drafts are judged,
 * two where they are made.
 */
function contextOptions(
  { isRecurrent }: Model,
  { capacity, draftLength, cacheType, flashAttention }: CacheOptions,
  { sequences, threads, rollback }: Use,
): ContextOptions {
  const form = { capacity, threads, cacheType, flashAttention };
  if (!isRecurrent) return { ...form, sequences, cells: capacity + (sequences - 1) * draftLength };
  const all = sequences + (rollback === undefined ? 2 : 1);
  return { ...form, sequences: all, cells: capacity + all * (draftLength + REPLAY_LIMIT + 1), rollback };
}
