import type { GgufFileInfo } from 'node-llama-cpp';
import type { TemplateOrigin } from '../../templates/open-template.js';

/**
 * @returns the chat template of a model's file, and the names of tokens that it needs
 * @param model the model's name in messages
 */
export function templateOrigin({ metadata: { tokenizer } }: GgufFileInfo, model: string): TemplateOrigin {
  const { model: kind, tokens = [], ...ids } = tokenizer?.ggml ?? {};
  const isSentencePiece = kind === 'llama'; // which llama.cpp gives these where the file is silent
  const { bos_token_id = isSentencePiece ? 1 : undefined, eos_token_id = isSentencePiece ? 2 : undefined } =
    ids;
  const nameOf = (id: number | undefined) => (id === undefined ? '' : (tokens[id] ?? ''));
  const own: unknown = tokenizer?.chat_template;
  return {
    model,
    own: typeof own === 'string' && own.trim() !== '' ? own : undefined,
    bos: nameOf(bos_token_id),
    eos: nameOf(eos_token_id),
  };
}
