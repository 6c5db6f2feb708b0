import type { TokenId } from '../../types.js';
import { byteNames } from './token-bytes.js';
import { isControlToken, type Vocabulary } from './vocabulary.js';

/**
 * @returns a function that turns any text into tokens without control tokens. llama.cpp does not look for their names. Where
 *   pieces of a vocabulary join to a control token nevertheless ("</" and "s>"), its name is read letter by letter
 */
export function plainText(vocabulary: Vocabulary): (text: string) => TokenId[] {
  const read = inStretches(vocabulary);
  const isName = namesOf(vocabulary);
  const letters = lettersOf(vocabulary);
  return (text) => {
    const tokens = read(text);
    return tokens.some(isName)
      ? tokens.flatMap((token) => (isName(token) ? letters(token) : [token]))
      : tokens;
  };
}

/** @returns whether a token of a text is a control token, or has a name without a meaning */
function namesOf(vocabulary: Vocabulary): (token: TokenId) => boolean {
  const known = new Map<TokenId, boolean>();
  const joinsPieces = vocabulary.kind === 'bpe' || vocabulary.kind === 'spm';
  return (token) => {
    let isName = known.get(token);
    if (isName === undefined) {
      isName = joinsPieces && isControlToken(vocabulary, token); // others read what they do not know as the unknown token
      known.set(token, isName);
    }
    return isName;
  };
}

/** @returns the tokens of a token's name: one for each letter, or one for each byte of a letter without a token */
function lettersOf(vocabulary: Vocabulary): (token: TokenId) => TokenId[] {
  let ids: ReadonlyMap<string, TokenId> | undefined;
  const tokenOf = (...spellings: readonly string[]) => {
    ids ??= new Map(vocabulary.names.map((name, id) => [name, id]));
    const spelling = spellings.find((name) => ids?.has(name));
    return spelling === undefined ? [] : [ids.get(spelling)!];
  };
  const tokensOf = (letter: string) => {
    const whole = tokenOf(letter);
    return whole.length > 0 ? whole : [...Buffer.from(letter)].flatMap((byte) => tokenOf(...byteNames(byte)));
  };
  return (token) => [...vocabulary.names[token]!].flatMap(tokensOf);
}

/** UTF-16 units after which a text is cut at the next line break. */
const STRETCH = 1024;

/**
 * llama.cpp's time for a text grows with the square of the number of characters that a SentencePiece vocabulary spells in
 * bytes. Most such vocabularies spell line breaks so; 200,000 of them take seconds. Where no piece spans a line break, the
 * text is read from line break to line break. The tokens are the same.
 */
function inStretches(vocabulary: Vocabulary): (text: string) => TokenId[] {
  const tokenize = (text: string) => vocabulary.tokenize(text, false);
  let isDivisible: boolean | undefined;
  return (text) => {
    if (text.length < 2 * STRETCH) return tokenize(text);
    isDivisible ??= dividesAtLineBreaks(vocabulary);
    if (!isDivisible) return tokenize(text);
    const [first, ...rest] = stretchesOf(text);
    const [one, two] = [tokenize('\n').length, tokenize('\n\n').length];
    const added = one - (two - one); // the space before every text, where the vocabulary has it
    return [...tokenize(first!), ...rest.flatMap((stretch) => tokenize(stretch).slice(added))];
  };
}

/** @returns the pieces of a text; all but the first begin with a line break */
function stretchesOf(text: string): string[] {
  const stretches: string[] = [];
  for (let start = 0, end = 0; start < text.length; start = end) {
    const next = text.indexOf('\n', start + STRETCH);
    end = next === -1 ? text.length : next;
    stretches.push(text.slice(start, end));
  }
  return stretches;
}

/** llama.cpp looks for user-defined tokens in the whole text. They decide about the space behind them. */
function dividesAtLineBreaks(vocabulary: Vocabulary): boolean {
  const { kind, names } = vocabulary;
  if (kind !== 'spm') return false;
  if (names.some((name) => name !== '\n' && name.includes('\n'))) return false;
  return !names.some((_, token) => {
    const { userDefined } = vocabulary.attributesOf(token);
    return userDefined && !isControlToken(vocabulary, token);
  });
}
