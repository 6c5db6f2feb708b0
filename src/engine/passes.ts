import type { Mask, TokenId, TopLogits } from '../types.js';
import type { RuntimeOptions } from './runtime-options.js';

/** The size of a context, and how it computes. */
export interface ContextOptions extends Omit<RuntimeOptions, 'draftThreads'> {
  /** Tokens that each sequence can hold, >= 1. */
  readonly capacity: number;
  /** Number of sequences, in [1..256]; at most 255 where the engine needs one itself. */
  readonly sequences: number;
  /** Tokens of all sequences together, where sequences share their common prefix; undefined: capacity x sequences. */
  readonly cells?: number | undefined;
  /**
   * The most tokens of a pass that the next pass may forget, where each pass judges a whole draft; undefined: passes make
   * drafts, token by token. A model with recurrent layers keeps as many states, if it can.
   */
  readonly rollback?: number | undefined;
  /** Whether passes return the hidden state of each token, which the head goes on from; undefined: they do not. */
  readonly returnsHidden?: boolean | undefined;
  /** Of a head, the layer that the passes run, [0..layers); undefined: the first. */
  readonly headLayer?: number | undefined;
}

/** The KV cache of one model. It holds `sequences` texts side by side, each a list of evaluated tokens. */
export interface Context {
  /** The most tokens of one sequence. */
  readonly capacity: number;
  readonly sequences: number;
  /**
   * The most tokens that a sequence can forget without forgetting all. Infinity: any. A positive number: of its last pass,
   * but for the first token of that pass, and once. 0: none; the model has recurrent layers.
   */
  readonly rollback: number;
  /** Whether one evaluation of a token can serve several sequences. A copy then costs nothing. */
  readonly sharesCells: boolean;
  /** The most tokens of one pass of the model, and the best number for a long prompt. */
  readonly batchSize: number;
  /**
   * The number of tokens that each sequence holds, [sequences]. After a failure each sequence holds the tokens it held
   * before the batch, or fewer of them.
   */
  readonly held: readonly number[];
  /** The fewest tokens to which each sequence can be cut back without forgetting all, [sequences]; 0: any number. */
  readonly least: readonly number[];
  /**
   * Carries out `keeps` in order, evaluates `batch`, and reads its logits. No other call comes in between. A batch of at most
   * `batchSize` tokens is one pass of the model. An empty batch only forgets and copies.
   * @throws RangeError where the sequences do not hold the tokens that the pass needs, or cannot be cut back to them; nothing
   *   has happened then
   */
  run(pass: Pass): Promise<PassAnswer>;
  dispose(): Promise<void>;
}

/** The work of one call: tokens to keep, tokens to evaluate, logits to read. */
export interface Pass {
  readonly keeps: readonly Keep[];
  readonly batch: readonly BatchToken[];
  readonly read: ReadRequest;
}

/**
 * Makes `sequence` hold the first `length` tokens of `from`, and nothing else. If `from` is the sequence itself, it forgets
 * the tokens behind them. Else it becomes a copy. A sequence that can only be cut back a little is copied as a whole. An engine
 * that cannot copy empties it; where cells are shared, every engine can copy.
 */
export interface Keep {
  readonly sequence: number;
  /** A sequence that holds at least `length` tokens. */
  readonly from: number;
  /** Number of first tokens in which both are known to be equal, which are left alone; `length` where `from` is `sequence`. */
  readonly alike: number;
  /** In tokens, >= 0. */
  readonly length: number;
}

/** A model's last hidden state at a token, after the output norm. */
export type HiddenState = Float32Array;

/** The result of a pass. */
export interface PassAnswer {
  /** One row per wanted token, in the batch's order. */
  readonly rows: readonly TopLogits[];
  /** The hidden state after each token of the batch; of a head, after each wanted one. Undefined: none were asked for. */
  readonly hidden?: readonly HiddenState[] | undefined;
  /** Time inside llama.cpp's calls, in milliseconds. The rest of the time (copying, reading logits) is the engine's own. */
  readonly ms: number;
  /** Time that the pass waited for earlier ones of the engine before it began, in milliseconds; 0 where none was running. */
  readonly waitMs: number;
}

/** A token to evaluate, as in llama.cpp's llama_batch. */
export interface BatchToken {
  readonly token: TokenId;
  /** The length of its sequences so far, in [0..capacity). */
  readonly position: number;
  /** The sequences in [0..sequences) to append it to: one; where cells are shared, all that hold the same text. */
  readonly sequences: readonly number[];
  /** Whether to read the logits of the token that may follow. */
  readonly wanted: boolean;
  /** In a head, the hidden state at the token before; undefined: zeros. */
  readonly hidden?: HiddenState | undefined;
  /** The tokens that may follow. Others are left out, as if the vocabulary lacked them. Undefined: all. */
  readonly mask?: Mask | undefined;
}

/** The logits to read at each wanted token. */
export interface ReadRequest {
  /** The number of largest logits; 0: all. Among equals for the last place the engine chooses. See `largestAllowed`. */
  readonly top: number;
  /** Token ids from this number on are left out, as if the vocabulary ended before it; undefined: none. */
  readonly vocabularySize?: number | undefined;
  /** Whether each row can tell its log-sum-exp over the whole vocabulary, tokens left out or masked included. */
  readonly logSumExp: boolean;
}
