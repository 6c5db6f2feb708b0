import type { BatchToken, Context, ReadRequest } from '../engine/engine.js';
import { logitsNeeded, type Truncation, truncate } from '../sampling/truncate.js';
import type { Distribution, Draft, NodeIndex, Prefix, TokenId, TopLogits } from '../types.js';
import { commonPrefix, planPaths, type SequenceWork } from './plan.js';

/** Work done by a model so far. */
export interface Work {
  readonly passes: number; // evaluations asked of the engine
  readonly tokens: number; // tokens evaluated in them
  readonly ms: number; // time spent in them
}

/** For evaluations that only fill the cache. */
const NOTHING: ReadRequest = { top: 1, logSumExp: false };

/**
 * One model's KV cache. Callers state what is true ("the committed text is this", "what follows these nodes");
 * the cache works out what it holds, what to evaluate and what to forget.
 */
export class ModelCache {
  readonly #context: Context;
  readonly #held: TokenId[][]; // per sequence: a mirror of what the engine holds
  readonly #now: () => number; // ms
  #work: Work = { passes: 0, tokens: 0, ms: 0 };

  constructor(context: Context, now: () => number) {
    this.#context = context;
    this.#held = Array.from({ length: context.sequences }, () => []);
    this.#now = now;
  }

  /** Tokens that fit: a prefix, its last token included, plus the draft on top of it. */
  get capacity(): number {
    return this.#context.capacity;
  }

  get work(): Work {
    return this.#work;
  }

  /** What each sequence holds, for tests and statistics. */
  get held(): readonly (readonly TokenId[])[] {
    return this.#held;
  }

  /**
   * The logits after each wanted node of a tree that stands on the committed prefix; ROOT means the prefix itself.
   * Nodes that are not wanted and not above a wanted one are left alone.
   */
  async evaluate(
    prefix: Prefix,
    tree: Draft,
    wanted: readonly NodeIndex[],
    read: ReadRequest,
  ): Promise<TopLogits[]> {
    return this.#run(planPaths(this.#held, prefix, tree, wanted), read);
  }

  /** The same as distributions. */
  async distributions(
    prefix: Prefix,
    tree: Draft,
    wanted: readonly NodeIndex[],
    truncation: Truncation,
  ): Promise<Distribution[]> {
    const rows = await this.evaluate(prefix, tree, wanted, {
      top: logitsNeeded(truncation),
      logSumExp: false,
    });
    return rows.map((row) => truncate(row, truncation));
  }

  /**
   * Brings every sequence up to the prefix, its last token excepted: one is evaluated, a batch at a time, so that
   * a long prompt can be watched and interrupted; the others are copies. @yields tokens of the prefix held so far
   */
  async *prefill(prefix: Prefix): AsyncGenerator<number> {
    const end = prefix.length - 1;
    const shared = this.#held.map((tokens) => Math.min(end, commonPrefix(tokens, prefix)));
    let done = Math.max(...shared);
    const first = shared.indexOf(done);
    while (done < end) {
      const tokens = prefix.slice(done, done + Math.min(end - done, this.#context.batchSize));
      await this.#run([{ sequence: first, keep: done, tokens, wanted: new Map() }], NOTHING);
      done += tokens.length;
      yield done;
    }
    const behind = [...this.#held.keys()].filter((sequence) => sequence !== first && shared[sequence]! < end);
    if (behind.length === 0) return;
    const copied = await this.#context.copy(first, behind);
    for (const sequence of behind) this.#held[sequence] = copied ? [...this.#held[first]!] : [];
  }

  /** Forgets whatever is not committed text. The last committed token stays out of the cache. */
  async rollback(prefix: Prefix): Promise<void> {
    await Promise.all(
      this.#held.map((tokens, sequence) =>
        this.#forget(sequence, Math.min(prefix.length - 1, commonPrefix(tokens, prefix))),
      ),
    );
  }

  dispose(): Promise<void> {
    return this.#context.dispose();
  }

  async #run(work: readonly SequenceWork[], read: ReadRequest): Promise<TopLogits[]> {
    const started = this.#now();
    const batch: BatchToken[] = [];
    const rowOf: number[] = [];
    try {
      for (const { sequence, keep, tokens, wanted } of work) {
        await this.#forget(sequence, keep);
        tokens.forEach((token, i) => {
          const row = wanted.get(i);
          if (row !== undefined) rowOf.push(row);
          batch.push({ token, position: keep + i, sequence, wanted: row !== undefined });
        });
      }
      const answers = await this.#context.decode(batch, read);
      for (const { sequence, tokens } of work) this.#held[sequence]!.push(...tokens);
      const rows: TopLogits[] = [];
      for (const [i, answer] of answers.entries()) rows[rowOf[i]!] = answer;
      return rows;
    } catch (error) {
      await Promise.allSettled(work.map(({ sequence }) => this.#reset(sequence)));
      throw error;
    } finally {
      const { passes, tokens, ms } = this.#work;
      this.#work = { passes: passes + 1, tokens: tokens + batch.length, ms: ms + this.#now() - started };
    }
  }

  async #forget(sequence: number, keep: number): Promise<void> {
    const tokens = this.#held[sequence]!;
    if (tokens.length <= keep) return;
    await this.#context.forget(sequence, keep);
    tokens.length = keep;
  }

  /** After a failed evaluation nobody knows what the sequence holds: make it nothing. */
  async #reset(sequence: number): Promise<void> {
    this.#held[sequence]!.length = 0;
    await this.#context.forget(sequence, 0);
  }
}
