import { expect } from 'vitest';
import type { BatchToken, Context, ContextOptions, PassAnswer } from '../../src/engine/passes.js';
import type { Model } from '../../src/engine/port.js';
import type { Mask, Rng, TokenId, TopLogits } from '../../src/types.js';
import { ALL, chain, decode, difference, forget } from '../engine/rows.js';

export interface Check {
  readonly rng: Rng;
  /** Share of the branches of a pass that are evaluated afresh, (0, 1]. */
  readonly share: number;
  /** Share of the passes that fail when their logits are read, [0, 1). */
  readonly failing: number;
  /** Hears of the difference of each row. */
  readonly seen: (difference: number) => void;
}

/** The error of a pass that failed on purpose. */
export const ON_PURPOSE = 'This pass fails on purpose';

/** Largest logits that are compared, at least. */
const COMPARED = 40;

/**
 * The model, but its passes are checked: the tokens of each branch are evaluated anew in a context of their own, from the first
 * one on, and must have the same logits. What the sequences hold is worked out from the passes alone.
 */
export function checkedModel(model: Model, check: Check): Model {
  return {
    tokenizer: model.tokenizer,
    isRecurrent: model.isRecurrent ?? false,
    head: model.head,
    chatTemplate: async (choice) => model.chatTemplate?.(choice),
    createGrammar: (source) => model.createGrammar(source),
    async createContext(options: ContextOptions) {
      const { cells: _, rollback: __, returnsHidden: ___, ...alone } = options;
      const fresh = await model.createContext({ ...alone, sequences: 1 });
      return checkedContext(await model.createContext(options), fresh, check);
    },
  };
}

const broken: Mask = {
  allows() {
    throw new Error(ON_PURPOSE);
  },
};

function checkedContext(context: Context, fresh: Context, { rng, share, failing, seen }: Check): Context {
  const texts: TokenId[][] = Array.from({ length: context.sequences }, () => []);

  /** The rows of a branch, which is all that one sequence is given in a pass. */
  const compare = async (sequence: number, batch: readonly BatchToken[], rows: readonly TopLogits[]) => {
    const wanted = batch.filter((item) => item.wanted);
    const own = [...wanted.keys()].filter((i) => wanted[i]!.sequences.includes(sequence));
    if (own.length === 0 || rng() >= share) return;
    const places = new Set(own.map((i) => wanted[i]!.position));
    await forget(fresh, 0, 0);
    const anew = chain(texts[sequence]!).map((item) => ({ ...item, wanted: places.has(item.position) }));
    for (const [n, row] of (await decode(fresh, anew, ALL)).entries()) {
      const differs = difference([rows[own[n]!]!], [row]);
      seen(differs);
      expect(differs).toBeLessThan(0.02);
    }
  };

  return {
    capacity: context.capacity,
    sequences: context.sequences,
    sharesCells: context.sharesCells,
    rollback: context.rollback,
    batchSize: context.batchSize,
    get held() {
      return context.held;
    },
    get least() {
      return context.least;
    },
    async run({ keeps, batch, read }): Promise<PassAnswer> {
      const fails = rng() < failing;
      const given = batch.map((item) => (fails && item.wanted ? { ...item, mask: broken } : item));
      const top = read.top === 0 ? 0 : Math.max(read.top, COMPARED);
      for (const { sequence, from, length } of keeps) texts[sequence] = texts[from]!.slice(0, length);
      try {
        const answer = await context.run({ keeps, batch: given, read: { ...read, top } });
        for (const { token, sequences } of batch)
          for (const sequence of sequences) texts[sequence]!.push(token);
        expect(texts.map(({ length }) => length)).toEqual(context.held);
        for (const sequence of new Set(batch.flatMap(({ sequences }) => sequences)))
          await compare(sequence, batch, answer.rows);
        return { ...answer, rows: answer.rows.map((row) => firstOf(row, read.top)) };
      } catch (error) {
        for (const [sequence, length] of context.held.entries())
          texts[sequence] = texts[sequence]!.slice(0, length);
        throw error;
      }
    },
    async dispose() {
      await fresh.dispose();
      await context.dispose();
    },
  };
}

/** As many as were asked for. */
function firstOf(row: TopLogits, top: number): TopLogits {
  if (top === 0) return row;
  return {
    tokens: row.tokens.subarray(0, top),
    logits: row.logits.subarray(0, top),
    get logSumExp() {
      return row.logSumExp;
    },
  };
}
