import type { Context, ReadRequest } from '../engine/port.js';
import { type Constraint, logitsNeeded, type Truncation, truncateAfter } from '../math/truncate.js';
import type { Distribution, Draft, Mask, NodeIndex, Prefix, TokenId, TopLogits } from '../types.js';
import { commonPrefix, type Plan, planPass } from './plan.js';

/** Work done by a model so far. */
export interface Work {
  readonly passes: number; // evaluations asked of the engine
  readonly tokens: number; // tokens evaluated in them
  readonly ms: number; // time spent in them
}

/** What to read after each node, among the tokens that may follow it. */
export interface NodeReadRequest extends ReadRequest {
  readonly constraint?: Constraint | undefined;
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
    read: NodeReadRequest,
  ): Promise<TopLogits[]> {
    const plan = planPass(this.#held, prefix, tree, wanted, this.#context.sharesCells);
    const masks = read.constraint?.masks(prefix, tree, wanted);
    return this.#run(masks ? masked(plan, masks) : plan, read);
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
      constraint: truncation.constraint,
    });
    return truncateAfter(rows, prefix, tree, wanted, truncation);
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
      const next = Math.min(end, done + this.#context.batchSize);
      const batch = prefix.slice(done, next).map((token, i) => {
        return { token, position: done + i, sequences: [first], wanted: false };
      });
      await this.#run({ keeps: [{ sequence: first, from: first, length: done }], batch, rows: [] }, NOTHING);
      done = next;
      if (done < end) yield done;
    }
    const behind = [...this.#held.keys()].filter((sequence) => sequence !== first && shared[sequence]! < end);
    if (behind.length > 0) await this.#copy(first, behind, end);
    if (shared.some((length) => length < end)) yield end; // behind the copies: whoever measures what follows begins here
  }

  /** Forgets whatever is not committed text. The last committed token stays out of the cache. */
  async rollback(prefix: Prefix): Promise<void> {
    await allDone(
      this.#held.map((tokens, sequence) =>
        this.#forget(sequence, Math.min(prefix.length - 1, commonPrefix(tokens, prefix))),
      ),
    );
  }

  dispose(): Promise<void> {
    return this.#context.dispose();
  }

  async #run({ keeps, batch, rows }: Plan, read: ReadRequest): Promise<TopLogits[]> {
    const started = this.#now();
    try {
      for (const { sequence, from, length } of keeps)
        await (from === sequence ? this.#forget(sequence, length) : this.#copy(from, [sequence], length));
      const answers = await this.#context.decode(batch, read);
      for (const { token, sequences } of batch)
        for (const sequence of sequences) this.#held[sequence]!.push(token);
      const ordered: TopLogits[] = [];
      for (const [i, answer] of answers.entries()) ordered[rows[i]!] = answer;
      return ordered;
    } catch (error) {
      await Promise.allSettled(keeps.map(({ sequence }) => this.#reset(sequence)));
      throw error;
    } finally {
      const { passes, tokens, ms } = this.#work;
      this.#work = { passes: passes + 1, tokens: tokens + batch.length, ms: ms + this.#now() - started };
    }
  }

  async #forget(sequence: number, keep: number): Promise<void> {
    const tokens = this.#held[sequence]!;
    if (tokens.length <= keep) return;
    try {
      await this.#context.forget(sequence, keep);
      tokens.length = Math.min(tokens.length, keep);
    } catch (error) {
      await this.#reset(sequence).catch(() => {}); // the first error tells more
      throw error;
    }
  }

  /** Sequences that cannot be copied to hold nothing afterwards. */
  async #copy(from: number, to: readonly number[], length: number): Promise<void> {
    const copied = await this.#context.copy(from, to, length);
    for (const sequence of to) this.#held[sequence] = copied ? this.#held[from]!.slice(0, length) : [];
  }

  /** After a failure nobody knows what the sequence holds: make it nothing. */
  async #reset(sequence: number): Promise<void> {
    this.#held[sequence]!.length = 0;
    await this.#context.forget(sequence, 0);
  }
}

/** Waits for all, also where some fail. @throws what the first of them failed with */
export async function allDone(work: readonly Promise<void>[]): Promise<void> {
  await Promise.allSettled(work);
  await Promise.all(work);
}

/** @param masks per row of the answer */
function masked(plan: Plan, masks: readonly Mask[]): Plan {
  const rows = plan.rows.values(); // of the wanted tokens in turn
  const batch = plan.batch.map((item) =>
    item.wanted ? { ...item, mask: masks[rows.next().value!]! } : item,
  );
  return { ...plan, batch };
}
