import type { Context, PassAnswer, ReadRequest } from '../engine/passes.js';
import { type Constraint, readOf, type Truncation, truncateAfter } from '../math/truncate.js';
import {
  type Distribution,
  type Draft,
  type NodeIndex,
  type Prefix,
  ROOT,
  type TopLogits,
} from '../types.js';
import type { CacheCheck, Checked, CheckedPass } from './cache-check.js';
import type { HeadFeed } from './head-feed.js';
import { certainAfter, EMPTY, firstOf, grown, type Held, heldAfter } from './held.js';
import type { HiddenTrail } from './hidden-trail.js';
import { copiesOf, fillOf, keepAll, masked, type Plan, planPass } from './plan.js';
import { baseOf, planAdvance, planCopy, planStates, REPLAY_LIMIT, type States } from './plan-states.js';
import { SeenText } from './seen-text.js';
import { NO_WORK, type Work, withPass } from './work.js';

/** The logits to read after each node, and the tokens that may follow it. */
export interface NodeReadRequest extends ReadRequest {
  readonly constraint?: Constraint | undefined;
}

/** What a cache does with hidden states, if anything: a target's leave a trail, and a head is fed. */
export interface HiddenUse {
  readonly trail?: HiddenTrail;
  readonly feed?: HeadFeed;
}

/** The part of a plan that passes need; those that only fill the cache have no nodes. */
type PassPlan = Pick<Plan, 'keeps' | 'batch'> & Partial<Pick<Plan, 'nodes'>>;

/** A token of the committed text that is not the last one. */
const BELOW_ROOT: NodeIndex = ROOT - 1;

/** The request of passes that only fill the cache. */
const NOTHING: ReadRequest = { top: 1, logSumExp: false };

/**
 * The KV cache of one model. Callers state the committed text and the nodes whose logits they want. The cache works out
 * which tokens it holds, which to evaluate and which to forget.
 *
 * For each sequence the cache keeps how much of that text it holds, and the short tail behind it, never a copy of the text: its
 * length does not change the cost of a pass.
 */
export class ModelCache {
  readonly #context: Context;
  readonly #trail: HiddenTrail | undefined;
  readonly #feed: HeadFeed | undefined;
  readonly #check: CacheCheck | undefined;
  readonly #text = new SeenText();
  #held: readonly Held[]; // per sequence
  #work = NO_WORK;

  /** @param check holds rows against fresh ones; undefined: nothing does */
  constructor(context: Context, { trail, feed }: HiddenUse = {}, check?: CacheCheck) {
    this.#context = context;
    this.#trail = trail;
    this.#feed = feed;
    this.#check = check;
    this.#held = Array.from({ length: context.sequences }, () => EMPTY);
  }

  /** The most tokens that fit: a prefix with its last token, and the draft behind it. */
  get capacity(): number {
    return this.#context.capacity;
  }

  /**
   * The most guesses behind a text of this length that can be judged in a pass.
   * @param most that the text takes back, where the states of some are kept to go back to
   */
  roomBehind(length: number, most = Infinity): number {
    const { capacity, rollback } = this.#context;
    const keepsStates = rollback > 0 && rollback < Infinity;
    return Math.min(capacity - length, keepsStates ? Math.min(rollback, most) : Infinity);
  }

  /** The most guesses in a row that the model was made for. */
  get reach(): number {
    return Infinity;
  }

  get work(): Work {
    return this.#work;
  }

  /** The tokens that each sequence holds for certain. The engine may hold more tokens; the next pass removes them. */
  get held(): readonly Held[] {
    return this.#held;
  }

  /** Number of tokens of the committed text that any sequence holds. */
  get shared(): number {
    return Math.max(...this.#held.map(({ shared }) => shared));
  }

  /**
   * Returns the logits after each wanted node of a tree that stands on the committed prefix. ROOT is the prefix itself.
   * Nodes that are neither wanted nor above a wanted node are not evaluated.
   */
  async evaluate(
    prefix: Prefix,
    tree: Draft,
    wanted: readonly NodeIndex[],
    read: NodeReadRequest,
  ): Promise<TopLogits[]> {
    this.#follow(prefix);
    const plan = await this.#plan(prefix, tree, wanted);
    const masks = read.constraint?.masks(prefix, tree, wanted);
    const answer = await this.#run(masks ? masked(plan, masks) : plan, read, tree);
    if (this.#feed && answer.hidden)
      this.#feed.heard(
        plan.rows.map((row) => wanted[row]!),
        answer.hidden,
      );
    const rows: TopLogits[] = [];
    for (const [i, row] of answer.rows.entries()) rows[plan.rows[i]!] = row;
    if (this.#check) await this.#verify(this.#check, { prefix, tree, wanted, masks, read, rows });
    return rows;
  }

  /** Returns the distributions after the same nodes. */
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
   * Makes every sequence hold the prefix without its last token, or one of them its first `end` tokens. One sequence is
   * evaluated, a batch at a time, so that a long prompt can be watched and interrupted. The other sequences are copies, or
   * one of them where they keep states.
   * @yields the number of tokens of the prefix that are held so far
   */
  async *prefill(prefix: Prefix, end = prefix.length - 1): AsyncGenerator<number> {
    this.rollback(prefix);
    if (this.#context.rollback < Infinity) return yield* this.#prefillStates(prefix);
    const shared = this.#held.map((held) => held.shared);
    let done = Math.max(...shared);
    const first = shared.indexOf(done);
    while (done < end) {
      const next = Math.min(end, done + this.#context.batchSize);
      await this.#run({ keeps: keepAll(this.#held), batch: fillOf(prefix, done, next, first) }, NOTHING);
      done = next;
      if (done < end) yield done;
    }
    if (end < prefix.length - 1) return;
    const keeps = copiesOf(first, end, shared);
    if (keeps.length > 0) await this.#run({ keeps, batch: [] }, NOTHING);
    if (shared.some((length) => length < end)) yield end; // after the copies: a clock for the rest begins here
  }

  /** Forgets what stands behind the first `length` tokens of the committed text. */
  forgetFrom(length: number): void {
    this.#held = this.#held.map((held) => firstOf(held, length));
  }

  /** Forgets all tokens that are not committed text, and the last committed token, which stays out of the cache. */
  rollback(prefix: Prefix): void {
    this.#follow(prefix);
    this.#held = this.#held.map((held) => firstOf(held, prefix.length - 1));
  }

  /** What was held against fresh evaluations; undefined: nothing is. */
  get checked(): Checked | undefined {
    return this.#check?.checked;
  }

  async dispose(): Promise<void> {
    await Promise.all([this.#context.dispose(), this.#check?.dispose()]);
  }

  /** Takes notice of the committed text. */
  #follow(prefix: Prefix): void {
    const before = this.#text.length;
    const known = this.#text.follow(prefix);
    if (known < before) {
      this.#held = this.#held.map((held) => firstOf(held, known));
      this.#trail?.cut(known);
    }
    if (prefix.length > before) this.#trail?.grown(prefix, before);
    // What a head has guessed it reads again where it has become text, with the target's hidden states.
    if (!this.#feed) this.#held = this.#held.map((held) => grown(held, prefix));
    else if (prefix.length !== before) this.#held = this.#held.map(({ shared }) => ({ shared, tail: [] }));
  }

  async #plan(prefix: Prefix, tree: Draft, wanted: readonly NodeIndex[]): Promise<Plan> {
    const { rollback, sharesCells } = this.#context;
    if (rollback === Infinity) return planPass(this.#held, prefix, tree, wanted, sharesCells);
    const base = baseOf(this.#states(), prefix);
    if (prefix.length - 1 - base.length > REPLAY_LIMIT)
      await this.#run(planAdvance(this.#states(), prefix, base, prefix.length - 1), NOTHING);
    return planStates(this.#states(), prefix, tree, wanted);
  }

  /** Reads a prompt into a model with recurrent layers, and keeps a copy of its state to come back to. */
  async *#prefillStates(prefix: Prefix): AsyncGenerator<number> {
    const end = prefix.length - 1;
    let base = baseOf(this.#states(), prefix);
    if (base.length === end) return;
    while (base.length < end) {
      const next = Math.min(end, base.length + this.#context.batchSize);
      await this.#run(planAdvance(this.#states(), prefix, base, next), NOTHING);
      base = { ...base, length: next };
      if (next < end) yield next;
    }
    const copy = planCopy(this.#states(), base);
    if (copy) await this.#run({ keeps: [copy], batch: [] }, NOTHING);
    yield end;
  }

  #states(): States {
    const { held: lengths, least, rollback } = this.#context;
    return { held: this.#held, lengths, least, rollback };
  }

  /** The time of a check counts as waiting. After an error, nobody knows what the cache holds. */
  async #verify(check: CacheCheck, pass: CheckedPass): Promise<void> {
    try {
      const waitMs = await check.see(pass);
      this.#work = withPass(this.#work, 0, { ms: 0, waitMs });
    } catch (error) {
      this.forgetFrom(0);
      throw error;
    }
  }

  /** @param tree what the nodes of the plan belong to; undefined: the batch is committed text */
  async #run(plan: PassPlan, read: ReadRequest, tree: Draft = []): Promise<PassAnswer> {
    const { keeps, batch, nodes = batch.map(() => BELOW_ROOT) } = plan;
    const held = heldAfter(this.#held, plan, this.#text.length);
    try {
      const fed = this.#feed?.fed(batch, nodes, tree) ?? batch;
      const answer = await this.#context.run({ keeps, batch: fed, read });
      this.#trail?.heard(batch, answer.hidden, this.#text.length);
      this.#work = withPass(this.#work, batch.length, answer);
      const lengths = this.#context.held; // less where the engine cannot copy
      this.#held = held.map((one, sequence) => firstOf(one, lengths[sequence]!));
      return answer;
    } catch (error) {
      this.#work = withPass(this.#work, batch.length, NO_WORK);
      this.#held = certainAfter(this.#held, plan, this.#context.held);
      throw error;
    }
  }
}
