import type { TokenId } from '../../types.js';
import type { Tokenizer } from '../port.js';
import { fewestTokens } from './fewest-tokens.js';
import { plainText } from './plain-text.js';
import { tidiesText, tokenBytes } from './token-bytes.js';
import { isControlToken, type Vocabulary } from './vocabulary.js';

export function tokenizerOf(vocabulary: Vocabulary): Tokenizer {
  const { size, leading } = vocabulary;
  const check = (tokens: readonly TokenId[]) => {
    const stray = tokens.find((token) => !Number.isInteger(token) || token < 0 || token >= size);
    if (stray !== undefined) throw new RangeError(`${stray} is no token of a vocabulary of ${size}`);
  };
  const decode = tidiesText(vocabulary) ? untidied(vocabulary) : asLibraryDoes(vocabulary);
  const read = plainText(vocabulary);
  return {
    encode: (text, special = false) =>
      special
        ? withLeadingToken(vocabulary, vocabulary.tokenize(text, true))
        : [...(leading === undefined ? [] : [leading]), ...read(text)],
    fewestTokens: fewestTokens(vocabulary),
    decode(tokens, previous, special = false) {
      check(tokens); // llama.cpp ends the process over a token that it does not have
      check(previous);
      return decode(tokens, previous, special);
    },
    isControl(token) {
      check([token]);
      return isControlToken(vocabulary, token);
    },
    isEndOfGeneration: vocabulary.isEndOfGeneration,
  };
}

/** Tokens before a text that decide whether it begins with a space, as node-llama-cpp takes them. */
const CONTEXT = 3;

function asLibraryDoes({ detokenize }: Vocabulary): Required<Tokenizer>['decode'] {
  return (tokens, previous, special = false) => {
    if (tokens.length === 0) return '';
    const before = previous.slice(-CONTEXT);
    const known = before.length > 0 ? detokenize(before, special) : '';
    const whole = known === '' ? '' : detokenize([...before, ...tokens], special);
    return known !== '' && whole.startsWith(known) ? whole.slice(known.length) : detokenize(tokens, special);
  };
}

function untidied(vocabulary: Vocabulary): Tokenizer['decode'] {
  const bytes = tokenBytes(vocabulary);
  const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });
  return (tokens, _, special = false) => utf8.decode(bytes(tokens, special));
}

/** Puts the leading token before a text once, for models that were trained with one. */
export function withLeadingToken({ leading }: Vocabulary, tokens: TokenId[]): TokenId[] {
  return leading !== undefined && tokens[0] !== leading ? [leading, ...tokens] : tokens;
}
