import { type LlamaModel, LlamaVocabularyType, type Token } from 'node-llama-cpp';
import type { TokenId } from '../../types.js';
import { isControlToken } from './control-tokens.js';
import { byteNames } from './token-bytes.js';

/**
 * How a text becomes tokens of which none is a control token, whatever it says. llama.cpp does not look for their names;
 * where the pieces of a vocabulary join to one all the same ("</" and "s>"), it is read letter by letter.
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

/** Whether a token that was found in a text is a control token, or one that stands for nothing by its name. */
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

/** @returns the tokens of a token's name, one for each letter, or for each of its bytes where it has none */
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

/** UTF-16 units of a text that are read at once, up to the next line break. */
const STRETCH = 1024;

/**
 * The time that llama.cpp takes for a text grows with the square of the characters that a SentencePiece vocabulary spells
 * in bytes, and most of them spell line breaks so: 200,000 take seconds. Where no piece goes over a line break, the text
 * is read from one to another, which gives the same tokens.
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

/** All but the first begin with a line break. */
function stretchesOf(text: string): string[] {
  const stretches: string[] = [];
  for (let start = 0, end = 0; start < text.length; start = end) {
    const next = text.indexOf('\n', start + STRETCH);
    end = next === -1 ? text.length : next;
    stretches.push(text.slice(start, end));
  }
  return stretches;
}

/** User-defined tokens are looked for in the whole text, and decide about the space behind them. */
function dividesAtLineBreaks(model: LlamaModel): boolean {
  const names: readonly string[] = model.fileInfo.metadata.tokenizer?.ggml?.tokens ?? [];
  if (model.vocabularyType !== LlamaVocabularyType.spm) return false;
  if (names.some((name) => name !== '\n' && name.includes('\n'))) return false;
  return !names.some((_, token) => {
    const { userDefined } = model.getTokenAttributes(token as Token);
    return userDefined && !isControlToken(model, token);
  });
}
