import type { LlamaModel, Token } from 'node-llama-cpp';
import type { TokenId } from '../../types.js';
import type { Tokenizer } from '../port.js';
import { isControlToken } from './control-tokens.js';
import { fewestTokens } from './fewest-tokens.js';
import { plainText } from './plain-text.js';
import { tidiesText, tokenBytes } from './token-bytes.js';

export function llamaTokenizer(model: LlamaModel): Tokenizer {
  const size = model.fileInfo.metadata.tokenizer?.ggml?.tokens?.length ?? 0;
  const check = (tokens: readonly TokenId[]) => {
    const stray = tokens.find((token) => !Number.isInteger(token) || token < 0 || token >= size);
    if (stray !== undefined) throw new RangeError(`${stray} is no token of a vocabulary of ${size}`);
  };
  const decode = tidiesText(model) ? untidied(model) : asLibraryDoes(model);
  const read = plainText(model);
  return {
    encode: (text, special = false) =>
      special ? withLeadingToken(model, model.tokenize(text, true)) : [...leadingToken(model), ...read(text)],
    fewestTokens: fewestTokens(model),
    decode(tokens, previous, special = false) {
      check(tokens); // llama.cpp ends the process over a token that it does not have
      check(previous);
      return decode(tokens, previous, special);
    },
    isControl(token) {
      check([token]);
      return isControlToken(model, token);
    },
    isEndOfGeneration: (token) => model.isEogToken(token as Token),
  };
}

function asLibraryDoes(model: LlamaModel): Tokenizer['decode'] {
  return (tokens, previous, special) => model.detokenize(tokens as Token[], special, previous as Token[]);
}

function untidied(model: LlamaModel): Tokenizer['decode'] {
  const bytes = tokenBytes(model);
  const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });
  return (tokens, _, special = false) => utf8.decode(bytes(tokens, special));
}

/** Puts the leading token before a text once, for models that were trained with one. */
export function withLeadingToken(model: LlamaModel, tokens: TokenId[]): TokenId[] {
  const [leading] = leadingToken(model);
  return leading !== undefined && tokens[0] !== leading ? [leading, ...tokens] : tokens;
}

function leadingToken({ tokens: { bos, shouldPrependBosToken } }: LlamaModel): TokenId[] {
  return bos !== null && shouldPrependBosToken ? [bos] : [];
}
