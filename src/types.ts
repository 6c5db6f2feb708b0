/**
 * The vocabulary of this project. `p` is always the target model, `q` always the draft model.
 * Brands exist only where two numbers could be mistaken for one another in silence.
 */

declare const unit: unique symbol;
type Unit<T, Name extends string> = T & { readonly [unit]?: Name };

/** Index of a token in the vocabulary, [0..vocabSize). */
export type TokenId = Unit<number, 'TokenId'>;

/** Natural log of a probability: 0 is certain, -Infinity impossible. */
export type LogProb = Unit<number, 'LogProb'>;

/** Index of a node in a Draft, or ROOT. */
export type NodeIndex = Unit<number, 'NodeIndex'>;

/** The parent of a draft's first tokens: the last committed token. */
export const ROOT: NodeIndex = -1;

/** Which tokens may come next at one place of a text. */
export interface Mask {
  allows(token: TokenId): boolean;
}

/** A source of uniform numbers in [0, 1). Every random decision draws from one that is passed in. */
export type Rng = () => number;

/** Tokens committed so far, prompt included. The last one is not in any cache yet. */
export type Prefix = readonly TokenId[];

/**
 * The largest logits of one position as the engine read them: largest first, equal ones by lower token id.
 * Temperature 1, nothing cut. Only differences between logits mean anything, but to a repeat penalty: those of the engine
 * bindings are log-probabilities.
 */
export interface TopLogits {
  /** [n] */
  readonly tokens: Int32Array;
  /** [n], descending. */
  readonly logits: Float64Array;
  /**
   * Log of the sum of exp(logit) over the whole vocabulary; undefined unless it was asked for. An engine may sum only when
   * this is looked at, since that is dear where the vocabulary is large: to be looked at before the next pass.
   */
  readonly logSumExp?: number | undefined;
}

/**
 * Next-token probabilities after temperature, top-k and top-p: most likely first, summing to 1.
 * Made only in math/. A token that is not listed has probability 0.
 */
export interface Distribution {
  /** [n], 1 <= n; 0 where a constraint leaves nothing. */
  readonly tokens: Int32Array;
  /** [n], descending. */
  readonly logProbs: Float64Array;
}

/** Where guesses come from: the draft model, the target's own drafting head, an earlier passage of the text, or a corpus of other texts. */
export type DraftSource = 'model' | 'mtp' | 'lookup' | 'corpus';

/** One guessed token, and the distribution it was drawn from. */
export interface DraftNode {
  readonly token: TokenId;
  /** An earlier node, or ROOT. */
  readonly parent: NodeIndex;
  readonly q: Distribution;
  /** Whether another source guessed it, behind the likeliest beam. Such nodes are a chain, and the last ones. */
  readonly isTail?: boolean | undefined;
  /** The source that guessed it, where there are several; undefined: there is one. */
  readonly from?: DraftSource | undefined;
}

/** Guesses, parents before children. A chain is a tree without branches: node i has parent i - 1. */
export type Draft = readonly DraftNode[];

/** What an acceptance rule decided about one draft. */
export interface Verdict {
  /** The path of nodes kept, from the root: [0..gamma] of them. */
  readonly accepted: readonly NodeIndex[];
  /** One more token, from the target's distribution after that path, if any. */
  readonly next: TokenId | undefined;
}

/** Why a generation ended. */
export type FinishReason = 'eos' | 'stop' | 'length' | 'context' | 'interrupted';

/** Ends of texts that were cut off, and may go on. Of strings, since a server's word for an end may be any text. */
export const CUT_OFF: ReadonlySet<string> = new Set<FinishReason>(['length', 'context', 'interrupted']);
