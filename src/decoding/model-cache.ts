import type { Context, PassAnswer, ReadRequest } from '../engine/port.js';
import { type Constraint, readOf, type Truncation, truncateAfter } from '../math/truncate.js';
import type { Distribution, Draft, Mask, NodeIndex, Prefix, TokenId, TopLogits } from '../types.js';
import { commonPrefix, EMPTY, firstOf, grown, type Held, withToken } from './held.js';
import { type Plan, planPass } from './plan.js';

/** Work done by a model so far. */
export interface Work {
  /** Evaluations asked of the engine. */
  readonly passes: number;
  /** Tokens evaluated in them. */
  readonly tokens: number;
  /** Time inside the engine's library, reading and planning left out. */
  readonly ms: number;
  /** Time that passes waited for passes of other texts on the same engine, in milliseconds. */
  readonly waitMs: number;
}

const NO_WORK: Work = { passes: 0, tokens: 0, ms: 0, waitMs: 0 };

/** What to read after each node, among the tokens that may follow it. */
export interface NodeReadRequest extends ReadRequest {
  readonly constraint?: Constraint | undefined;
}

/** For passes that only fill the cache. */
const NOTHING: ReadRequest = { top: 1, logSumExp: false };

/**
 * One model's KV cache. Callers state what is true ("the committed text is this", "what follows these nodes");
 * the cache works out what it holds, what to evaluate and what to forget.
 *
 * It knows the committed text by the array that its caller appends to, and never copies it: of each sequence it keeps
 * how much of that text it holds, and the short tail behind it. A pass costs the same however long the text is. Only a
 * text in another array is compared with the last one, token by token. One that is shorter than before, or
 * ends otherwise where it ended, is read anew; a change before that goes unseen: texts are only ever appended to.
 */
export class ModelCache {
  readonly #context: Context;
  #text: Prefix = []; // whose first `#length` tokens were seen; appended to by its owner, otherwise left alone
  #length = 0;
  #last: TokenId | undefined; // of them
  #held: readonly Held[]; // per sequence
  #work = NO_WORK;

  constructor(context: Context) {
    this.#context = context;
    this.#held = Array.from({ length: context.sequences }, () => EMPTY);
  }

  /** Tokens that fit: a prefix, its last token included, plus the draft on top of it. */
  get capacity(): number {
    return this.#context.capacity;
  }

  get work(): Work {
    return this.#work;
  }

  /** What each sequence surely holds. The engine may hold more, which the next pass removes. */
  get held(): readonly Held[] {
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
    this.#follow(prefix);
    const plan = planPass(this.#held, prefix, tree, wanted, this.#context.sharesCells);
    const masks = read.constraint?.masks(prefix, tree, wanted);
    const answer = await this.#run(masks ? masked(plan, masks) : plan, read);
    const rows: TopLogits[] = [];
    for (const [i, row] of answer.rows.entries()) rows[plan.rows[i]!] = row;
    return rows;
  }

  /** The same as distributions. */
  async distributions(
    prefix: Prefix,
    tree: Draft,
    wanted: readonly NodeIndex[],
    truncation: Truncation,
  ): Promise<Distribution[]> {
    const rows = await this.evaluate(prefix, tree, wanted, readOf(truncation, false));
    return truncateAfter(rows, prefix, tree, wanted, truncation);
  }

  /**
   * Brings every sequence up to the prefix, its last token excepted: one is evaluated, a batch at a time, so that
   * a long prompt can be watched and interrupted; the others are copies. @yields tokens of the prefix held so far
   */
  async *prefill(prefix: Prefix): AsyncGenerator<number> {
    this.rollback(prefix);
    const end = prefix.length - 1;
    const shared = this.#held.map((held) => held.shared);
    let done = Math.max(...shared);
    const first = shared.indexOf(done);
    while (done < end) {
      const next = Math.min(end, done + this.#context.batchSize);
      const batch = prefix.slice(done, next).map((token, i) => {
        return { token, position: done + i, sequences: [first], wanted: false };
      });
      await this.#run({ keeps: this.#whatIsHeld(), batch }, NOTHING);
      done = next;
      if (done < end) yield done;
    }
    const behind = [...shared.keys()].filter((sequence) => sequence !== first && shared[sequence]! < end);
    if (behind.length > 0) {
      const keeps = behind.map((sequence) => ({
        sequence,
        from: first,
        length: end,
        alike: shared[sequence]!,
      }));
      await this.#run({ keeps, batch: [] }, NOTHING);
    }
    if (shared.some((length) => length < end)) yield end; // behind the copies: whoever measures what follows begins here
  }

  /** Whatever is not committed text is held no longer. The last committed token stays out of the cache. */
  rollback(prefix: Prefix): void {
    this.#follow(prefix);
    this.#held = this.#held.map((held) => firstOf(held, prefix.length - 1));
  }

  dispose(): Promise<void> {
    return this.#context.dispose();
  }

  /** Learns what the committed text is now. */
  #follow(prefix: Prefix): void {
    const isSame = prefix === this.#text;
    if (isSame && (prefix.length < this.#length || prefix[this.#length - 1] !== this.#last))
      this.#held = this.#held.map(() => EMPTY); // what was there before is nowhere kept
    if (!isSame) {
      const common = commonPrefix(this.#text, prefix, this.#length);
      if (common < this.#length) this.#held = this.#held.map((held) => firstOf(held, common));
    }
    this.#text = prefix;
    this.#length = prefix.length;
    this.#last = prefix.at(-1);
    this.#held = this.#held.map((held) => grown(held, prefix));
  }

  #whatIsHeld(): Plan['keeps'] {
    return this.#held.map(({ shared, tail }, sequence) => {
      const length = shared + tail.length;
      return { sequence, from: sequence, length, alike: length };
    });
  }

  async #run({ keeps, batch }: Pick<Plan, 'keeps' | 'batch'>, read: ReadRequest): Promise<PassAnswer> {
    const held = [...this.#held];
    for (const { sequence, from, length } of keeps) held[sequence] = firstOf(held[from]!, length);
    for (const { token, sequences } of batch)
      for (const sequence of sequences) held[sequence] = withToken(held[sequence]!, token, this.#length);
    try {
      const answer = await this.#context.run({ keeps, batch, read });
      this.#count(batch.length, answer);
      const lengths = this.#context.held; // less where the engine cannot copy
      this.#held = held.map((one, sequence) => firstOf(one, lengths[sequence]!));
      return answer;
    } catch (error) {
      this.#count(batch.length, NO_WORK);
      this.#forgetTails(keeps);
      throw error;
    }
  }

  /** After a failure nobody knows how far the pass had come. What is certain is refilled from. */
  #forgetTails(keeps: Plan['keeps']): void {
    const copied = new Set(
      keeps.filter(({ from, sequence }) => from !== sequence).map((keep) => keep.sequence),
    );
    const lengths = this.#context.held;
    this.#held = this.#held.map(({ shared }, sequence) =>
      copied.has(sequence) ? EMPTY : { shared: Math.min(shared, lengths[sequence]!), tail: [] },
    );
  }

  #count(evaluated: number, time: Pick<PassAnswer, 'ms' | 'waitMs'>): void {
    const { passes, tokens, ms, waitMs } = this.#work;
    this.#work = {
      passes: passes + (evaluated > 0 ? 1 : 0),
      tokens: tokens + evaluated,
      ms: ms + time.ms,
      waitMs: waitMs + time.waitMs,
    };
  }
}

/** @param masks per row of the answer */
function masked(plan: Plan, masks: readonly Mask[]): Plan {
  const rows = plan.rows.values(); // of the wanted tokens in turn
  const batch = plan.batch.map((item) =>
    item.wanted ? { ...item, mask: masks[rows.next().value!]! } : item,
  );
  return { ...plan, batch };
}
