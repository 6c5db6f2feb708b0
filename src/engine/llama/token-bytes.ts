import type { TokenId } from '../../types.js';
import type { Vocabulary } from './vocabulary.js';

/**
 * @returns whether llama.cpp removes spaces when it decodes: "ls ." becomes "ls." and "you 're" becomes "you're", with the
 *   vocabularies of Llama 3, Gemma 4, GPT-2 and others. The model did not write that, and single tokens give another text
 */
export function tidiesText({ kind, tokenize, detokenize }: Vocabulary): boolean {
  const isKnown = kind === 'bpe' || kind === 'wpm';
  return isKnown && !detokenize(tokenize('a ?', false), false).includes(' ?');
}

/** @returns the bytes of tokens in order, as llama.cpp's `llama_token_to_piece` gives them; for BPE and WordPiece */
export function tokenBytes(
  vocabulary: Vocabulary,
): (tokens: readonly TokenId[], special: boolean) => Uint8Array {
  const known = new Map<TokenId, { readonly bytes: Uint8Array; readonly isSpecial: boolean }>();
  const look = (token: TokenId) => {
    const found = known.get(token) ?? pieceOf(vocabulary, token);
    known.set(token, found);
    return found;
  };
  return (tokens, special) =>
    Buffer.concat(tokens.map(look).flatMap(({ bytes, isSpecial }) => (isSpecial && !special ? [] : [bytes])));
}

function pieceOf({ names, isByteLevel, attributesOf }: Vocabulary, token: TokenId) {
  const name = names[token]!;
  const { control, unknown, userDefined, normal, byte } = attributesOf(token);
  const isSpecial = control || unknown;
  if (isSpecial || userDefined) return { bytes: Buffer.from(name), isSpecial };
  if (normal) return { bytes: isByteLevel ? fromByteLevel(name) : unescaped(name), isSpecial };
  return { bytes: Buffer.from(byte ? [Number.parseInt(name.slice(3, 5), 16)] : []), isSpecial }; // <0x0A>
}

/** SentencePiece writes a space as U+2581. */
const unescaped = (name: string) => Buffer.from(name.replaceAll('\u2581', ' '));

/** The name of each byte in vocabularies like GPT-2's: a visible byte names itself, any other is a letter from U+0100 on. */
export function byteLevelName(byte: number): string {
  return String.fromCharCode(isVisible(byte) ? byte : 0x100 + HIDDEN.indexOf(byte));
}

/** @returns the names that a vocabulary may give to the token of a byte: the name above, and its number, such as <0x0A> */
export function byteNames(byte: number): readonly string[] {
  return [byteLevelName(byte), `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`];
}

function fromByteLevel(name: string): Uint8Array {
  const bytes = [...name].map((letter) => BYTE_OF.get(letter));
  return bytes.every((byte) => byte !== undefined) ? Uint8Array.from(bytes) : Buffer.from(name);
}

const isVisible = (byte: number) =>
  (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xff && byte !== 0xad);

const BYTES = Array.from({ length: 256 }, (_, byte) => byte);
const HIDDEN = BYTES.filter((byte) => !isVisible(byte));
const BYTE_OF: ReadonlyMap<string, number> = new Map(BYTES.map((byte) => [byteLevelName(byte), byte]));
