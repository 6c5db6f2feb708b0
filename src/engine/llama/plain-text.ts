import { type LlamaModel, LlamaVocabularyType, type Token } from 'node-llama-cpp';
import type { TokenId } from '../../types.js';
import { isControlToken } from './control-tokens.js';
import { byteNames } from './token-bytes.js';

/**
 * @returns a function that turns any text into tokens without control tokens. llama.cpp does not look for their names. Where
 *   pieces of a vocabulary join to a control token nevertheless ("</" and "s>"), its name is read letter by letter
 */
export function plainText(model: LlamaModel): (text: string) => TokenId[] {
  const read = inStretches(model);
  const isName = namesOf(model);
  const letters = lettersOf(model);
  return (text) => {
    const tokens = read(text);
    return tokens.some(isName)
      ? tokens.flatMap((token) => (isName(token) ? letters(token) : [token]))
      : tokens;
  };
}

/** @returns whether a token of a text is a control token, or has a name without a meaning */
function namesOf(model: LlamaModel): (token: TokenId) => boolean {
  const known = new Map<TokenId, boolean>();
  const { bpe, spm } = LlamaVocabularyType;
  const joinsPieces = model.vocabularyType === bpe || model.vocabularyType === spm;
  return (token) => {
    let isName = known.get(token);
    if (isName === undefined) {
      isName = joinsPieces && isControlToken(model, token); // others read what they do not know as the unknown token
      known.set(token, isName);
    }
    return isName;
  };
}

/** @returns the tokens of a token's name: one for each letter, or one for each byte of a letter without a token */
function lettersOf({ fileInfo }: LlamaModel): (token: TokenId) => TokenId[] {
  const names: readonly string[] = fileInfo.metadata.tokenizer?.ggml?.tokens ?? [];
  let ids: ReadonlyMap<string, TokenId> | undefined;
  const tokenOf = (...spellings: readonly string[]) => {
    ids ??= new Map(names.map((name, id) => [name, id]));
    const spelling = spellings.find((name) => ids?.has(name));
    return spelling === undefined ? [] : [ids.get(spelling)!];
  };
  const tokensOf = (letter: string) => {
    const whole = tokenOf(letter);
    return whole.length > 0 ? whole : [...Buffer.from(letter)].flatMap((byte) => tokenOf(...byteNames(byte)));
  };
  return (token) => [...names[token]!].flatMap(tokensOf);
}

/** UTF-16 units after which a text is cut at the next line break. */
const STRETCH = 1024;

/**
 * llama.cpp's time for a text grows with the square of the number of characters that a SentencePiece vocabulary spells in
 * bytes. Most such vocabularies spell line breaks so; 200,000 of them take seconds. Where no piece spans a line break, the
 * text is read from line break to line break. The tokens are the same.
 */
function inStretches(model: LlamaModel): (text: string) => TokenId[] {
  let isDivisible: boolean | undefined;
  return (text) => {
    if (text.length < 2 * STRETCH) return model.tokenize(text);
    isDivisible ??= dividesAtLineBreaks(model);
    if (!isDivisible) return model.tokenize(text);
    const [first, ...rest] = stretchesOf(text);
    const [one, two] = [model.tokenize('\n').length, model.tokenize('\n\n').length];
    const added = one - (two - one); // the space before every text, where the vocabulary has it
    return [...model.tokenize(first!), ...rest.flatMap((stretch) => model.tokenize(stretch).slice(added))];
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
function dividesAtLineBreaks(model: LlamaModel): boolean {
  const names: readonly string[] = model.fileInfo.metadata.tokenizer?.ggml?.tokens ?? [];
  if (model.vocabularyType !== LlamaVocabularyType.spm) return false;
  if (names.some((name) => name !== '\n' && name.includes('\n'))) return false;
  return !names.some((_, token) => {
    const { userDefined } = model.getTokenAttributes(token as Token);
    return userDefined && !isControlToken(model, token);
  });
}
