import type { Context, ReadRequest } from '../engine/passes.js';
import { CacheError } from '../errors.js';
import { pathTo } from '../math/draft-tree.js';
import {
  type Draft,
  type Mask,
  type NodeIndex,
  type Prefix,
  ROOT,
  type TokenId,
  type TopLogits,
} from '../types.js';

/**
 * Natural logs by which the logits of one text may differ between two evaluations: another number of rows in a pass means
 * another order of sums. With models of 16 bits the largest difference of 68,000 rows of short texts was 0.032, and that of 6,795
 * rows of a conversation of 100,000 tokens 0.159. It grows with the text: plain decoding, which takes nothing back, had 0.014
 * within 200 tokens and 0.058 within 800. A token too many or too few in a cache makes it some whole numbers.
 */
const KERNEL_NOISE = 0.25;

/** More logits than the checked row has, so that none is missing because two were nearly equal. */
const MARGIN = 10;

/** What was held against fresh evaluations. */
export interface Checked {
  readonly rows: number;
  /** The largest difference of two logits of a row, in natural logs. */
  readonly worst: number;
}

/** What a pass was asked, and what it answered. */
export interface CheckedPass {
  readonly prefix: Prefix;
  readonly tree: Draft;
  readonly wanted: readonly NodeIndex[];
  /** Tokens allowed after each wanted node; undefined: all. */
  readonly masks: readonly (Mask | undefined)[] | undefined;
  readonly read: ReadRequest;
  /** One for each wanted node. */
  readonly rows: readonly TopLogits[];
}

/** Rows of another evaluation, and its time in milliseconds. */
interface Fresh {
  readonly rows: readonly (readonly [NodeIndex, TopLogits])[];
  readonly ms: number;
}

/**
 * Evaluates the text of every n-th pass anew, in a context of its own, and holds the logits against those that the caches
 * gave after all their drafts and rollbacks.
 */
export class CacheCheck {
  readonly #every: number;
  readonly #name: string;
  readonly #open: () => Promise<Context>;
  #context: Promise<Context> | undefined;
  #passes = 0;
  #checked: Checked = { rows: 0, worst: 0 };

  /**
   * @param every n, >= 1
   * @param name of the model, for people
   * @param open makes a context as large as the checked one, of one sequence
   */
  constructor(every: number, name: string, open: () => Promise<Context>) {
    this.#every = every;
    this.#name = name;
    this.#open = open;
  }

  get checked(): Checked {
    return this.#checked;
  }

  /**
   * @returns milliseconds of its own passes
   * @throws CacheError where the logits are those of another text
   */
  async see(pass: CheckedPass): Promise<number> {
    this.#passes += 1;
    if (this.#passes % this.#every !== 0 || pass.wanted.length === 0) return 0;
    const { rows: fresh, ms } = await this.#evaluated(pass);
    for (const [node, row] of fresh) {
      const checked = pass.rows[pass.wanted.indexOf(node)]!;
      if (checked.tokens.length < 2) continue; // only how far two logits are apart tells something
      const difference = apart(checked, row);
      const { rows, worst } = this.#checked;
      this.#checked = { rows: rows + 1, worst: Math.max(worst, difference) };
      if (!(difference <= KERNEL_NOISE)) throw this.#error(pass, node, difference);
    }
    return ms;
  }

  async dispose(): Promise<void> {
    await (await this.#context?.catch(() => undefined))?.dispose();
  }

  /** The rows after a wanted node that no other one stands behind, and after those above it that are wanted: each branch in turn. */
  async #evaluated({ prefix, tree, wanted, masks, read }: CheckedPass): Promise<Fresh> {
    this.#context ??= this.#open();
    const context = await this.#context;
    const leaves = leavesOf(tree, wanted);
    const path = pathTo(tree, leaves[Math.floor(this.#passes / this.#every) % leaves.length]!);
    const tokens: TokenId[] = [...prefix, ...path.map((node) => tree[node]!.token)];
    const nodeAt = (i: number) => (i === prefix.length - 1 ? ROOT : path[i - prefix.length]);
    const batch = tokens.map((token, position) => {
      const place = wanted.indexOf(nodeAt(position) ?? Number.NaN);
      return { token, position, sequences: [0], wanted: place !== -1, mask: masks?.[place] };
    });
    const asked = { ...read, top: read.top === 0 ? 0 : read.top + MARGIN, logSumExp: false };
    const rows: TopLogits[] = [];
    let ms = 0;
    for (let from = 0; from < batch.length; from += context.batchSize) {
      const keeps = from === 0 ? [{ sequence: 0, from: 0, alike: 0, length: 0 }] : [];
      const part = batch.slice(from, from + context.batchSize);
      const answer = await context.run({ keeps, batch: part, read: asked });
      rows.push(...answer.rows);
      ms += answer.ms + answer.waitMs;
    }
    const nodes = batch.flatMap(({ wanted }, i) => (wanted ? [nodeAt(i)!] : []));
    return { rows: nodes.map((node, i) => [node, rows[i]!]), ms };
  }

  #error({ prefix, tree }: CheckedPass, node: NodeIndex, difference: number): CacheError {
    const drafted = pathTo(tree, node).length;
    const where = `${prefix.length} tokens of text${drafted > 0 ? ` and ${drafted} drafted ones` : ''}`;
    return new CacheError(
      `The KV cache of the ${this.#name} does not hold the text: in pass ${this.#passes}, behind ${where}, its logits are ` +
        `${difference.toFixed(2)} from those of a fresh evaluation (up to ${KERNEL_NOISE} is taken for rounding); please report this`,
    );
  }
}

/** The wanted nodes above which stand all the others. */
function leavesOf(tree: Draft, wanted: readonly NodeIndex[]): NodeIndex[] {
  const above = new Set(
    wanted.flatMap((node) => (node === ROOT ? [] : [ROOT, ...pathTo(tree, node).slice(0, -1)])),
  );
  return wanted.filter((node) => !above.has(node));
}

/** How far two rows are apart that may differ by a constant. What the longer one lacks has at most its least logit. */
function apart(row: TopLogits, longer: TopLogits): number {
  const logits = new Map(Array.from(longer.tokens, (token, i) => [token, longer.logits[i]!]));
  const least = longer.logits.at(-1)!;
  const differences = Array.from(row.tokens, (token, i) => row.logits[i]! - (logits.get(token) ?? least));
  return Math.max(...differences) - Math.min(...differences);
}
