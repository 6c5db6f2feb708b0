import type { TokenId } from '../../types.js';

/** llama.cpp's kinds of vocabularies, by their numbers there. */
export const VOCABULARY_KINDS = ['none', 'spm', 'bpe', 'wpm', 'ugm', 'rwkv', 'plamo2'] as const;
export type VocabularyKind = (typeof VOCABULARY_KINDS)[number];

/** The attributes of a token in its vocabulary. */
export interface TokenAttributes {
  readonly unknown: boolean;
  readonly normal: boolean;
  readonly control: boolean;
  readonly userDefined: boolean;
  readonly byte: boolean;
  /** Whether blank space before the token is dropped. */
  readonly lstrip: boolean;
  /** Whether blank space behind the token is dropped. */
  readonly rstrip: boolean;
}

/** A model's vocabulary, with llama.cpp's functions for it. What its texts mean to this project is added by `tokenizerOf`. */
export interface Vocabulary {
  readonly kind: VocabularyKind;
  /** Whether names spell bytes as GPT-2's vocabulary does. */
  readonly isByteLevel: boolean;
  readonly size: number;
  /** The name of each token, as the model's file has it, [size]. */
  readonly names: readonly string[];
  /** The token before every text, for models that were trained with one. */
  readonly leading: TokenId | undefined;
  /** The tokens that end a text and a turn; a vocabulary may lack either. */
  readonly ends: readonly TokenId[];
  /** @returns tokens without the leading one; `special`: a control token for its name */
  tokenize(text: string, special: boolean): TokenId[];
  /** @returns the text; `special`: with the names of control tokens */
  detokenize(tokens: readonly TokenId[], special: boolean): string;
  /** @param token in [0..size) */
  attributesOf(token: TokenId): TokenAttributes;
  isEndOfGeneration(token: TokenId): boolean;
}

/** @returns whether a token has no text */
export function isControlToken(vocabulary: Vocabulary, token: TokenId): boolean {
  const { control, unknown } = vocabulary.attributesOf(token);
  return control || unknown;
}
