import type { LlamaModel, Token } from 'node-llama-cpp';
import type { TokenId } from '../types.js';
import type { Tokenizer } from './engine.js';

export function llamaTokenizer(model: LlamaModel): Tokenizer {
  const size = model.fileInfo.metadata.tokenizer?.ggml?.tokens?.length ?? 0;
  const check = (tokens: readonly TokenId[]) => {
    const stray = tokens.find((token) => !Number.isInteger(token) || token < 0 || token >= size);
    if (stray !== undefined) throw new RangeError(`${stray} is no token of a vocabulary of ${size}`);
  };
  return {
    encode: (text) => withLeadingToken(model, model.tokenize(text, true)),
    decode(tokens, previous, special = false) {
      check(tokens); // llama.cpp ends the process over a token that it does not have
      check(previous);
      return model.detokenize(tokens as Token[], special, previous as Token[]);
    },
    isEndOfGeneration: (token) => model.isEogToken(token as Token),
  };
}

/** Models that were trained with a token before every text get it, once. */
export function withLeadingToken(
  { tokens: { bos, shouldPrependBosToken } }: LlamaModel,
  tokens: TokenId[],
): TokenId[] {
  return bos !== null && shouldPrependBosToken && tokens[0] !== bos ? [bos, ...tokens] : tokens;
}
