import type { LlamaModel, Token } from 'node-llama-cpp';
import type { TokenId } from '../types.js';
import type { Tokenizer } from './engine.js';

export function llamaTokenizer(model: LlamaModel): Tokenizer {
  const { bos, shouldPrependBosToken } = model.tokens;
  return {
    encode(text) {
      const tokens: TokenId[] = model.tokenize(text, true);
      return bos !== null && shouldPrependBosToken && tokens[0] !== bos ? [bos, ...tokens] : tokens;
    },
    decode: (tokens, previous) => model.detokenize(tokens as Token[], false, previous as Token[]),
    isEndOfGeneration: (token) => model.isEogToken(token as Token),
  };
}
