/** Batches and answers of an engine, as the laws speak of them. */
import type { BatchToken, Context, ContextOptions, ReadRequest } from '../../src/engine/passes.js';
import type { Model } from '../../src/engine/port.js';
import type { TokenId, TopLogits } from '../../src/types.js';
import { DEVICE } from '../support/device.js';

export const ALL = { top: 0, logSumExp: false };

/**
 * How far the logits of one text may lie apart when it is evaluated in batches of different sizes: llama.cpp
 * multiplies one row and many rows with different kernels, which round differently (0.007 seen on this pair; 0.06 on an
 * H100, which adds up in half precision).
 */
export const TOLERANCE = DEVICE === 'off' ? 0.02 : 0.1;

/** Threads bring nothing to models of this size. */
export async function withContext<T>(
  model: Model,
  options: Omit<ContextOptions, 'threads'>,
  use: (context: Context) => Promise<T>,
): Promise<T> {
  const context = await model.createContext({ ...options, threads: 1 });
  try {
    return await use(context);
  } finally {
    await context.dispose();
  }
}

/** Tokens in a row from `position` on, every one wanted. */
export function chain(tokens: readonly TokenId[], position = 0, sequence = 0): BatchToken[] {
  return tokens.map((token, i) => ({ token, position: position + i, sequences: [sequence], wanted: true }));
}

/** Evaluates a batch behind what the sequences hold. */
export async function decode(
  context: Context,
  batch: readonly BatchToken[],
  read: ReadRequest,
): Promise<readonly TopLogits[]> {
  const { rows } = await context.run({ keeps: [], batch, read });
  return rows.map(({ tokens, logits, logSumExp }) => ({ tokens, logits, logSumExp })); // summed while it can be
}

/** Cuts a sequence back to its first `length` tokens. */
export async function forget(context: Context, sequence: number, length: number): Promise<void> {
  await context.run({ keeps: [{ sequence, from: sequence, length, alike: length }], batch: [], read: ALL });
}

/** Makes sequences hold the first `length` tokens of another. */
export async function copy(
  context: Context,
  from: number,
  to: readonly number[],
  length: number,
): Promise<void> {
  await context.run({
    keeps: to.map((sequence) => ({ sequence, from, length, alike: 0 })),
    batch: [],
    read: ALL,
  });
}

/** What was evaluated alone already, by tokens and what is read. */
const knownAlone = new WeakMap<Model, Map<string, Promise<readonly TopLogits[]>>>();

/** What follows each token of a text that has a context to itself, evaluated in one batch, and once for each model. */
export function alone(
  model: Model,
  tokens: readonly TokenId[],
  read: Pick<ReadRequest, 'top' | 'logSumExp'> = ALL,
): Promise<readonly TopLogits[]> {
  const known = knownAlone.get(model) ?? new Map<string, Promise<readonly TopLogits[]>>();
  knownAlone.set(model, known);
  const key = JSON.stringify([tokens, read.top, read.logSumExp]);
  const rows =
    known.get(key) ??
    withContext(model, { capacity: tokens.length, sequences: 1 }, (context) =>
      decode(context, chain(tokens), read),
    );
  known.set(key, rows);
  rows.catch(() => known.delete(key));
  return rows;
}

/**
 * The largest difference between two answers, over all rows and the tokens that `rows` lists; only differences
 * between logits mean anything, so those to the first token are compared. NaN for another number of rows, and for
 * tokens that `expected` does not list.
 */
export function difference(rows: readonly TopLogits[], expected: readonly TopLogits[]): number {
  if (rows.length !== expected.length) return Number.NaN;
  return Math.max(...rows.map((row, i) => rowDifference(row, expected[i]!)));
}

function rowDifference({ tokens, logits }: TopLogits, expected: TopLogits): number {
  const byToken = new Map(Array.from(expected.tokens, (token, i) => [token, expected.logits[i]!]));
  const expectedOf = (i: number) => byToken.get(tokens[i]!) ?? Number.NaN;
  const shift = logits[0]! - expectedOf(0);
  return logits.reduce((worst, logit, i) => Math.max(worst, Math.abs(logit - shift - expectedOf(i))), 0);
}
