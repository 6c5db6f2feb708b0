import type { TemplateOrigin } from '../../templates/open-template.js';

/** The entries of a model's file that its chat template needs. Undefined: the file lacks one. */
export interface TemplateEntries {
  /** `tokenizer.chat_template` */
  readonly template: string | undefined;
  /** `tokenizer.ggml.model` */
  readonly tokenizer: string | undefined;
  /** `tokenizer.ggml.tokens` */
  readonly names: readonly string[];
  /** `tokenizer.ggml.bos_token_id` */
  readonly bos: number | undefined;
  /** `tokenizer.ggml.eos_token_id` */
  readonly eos: number | undefined;
}

/**
 * @returns the chat template of a model's file, and the names of tokens that it needs
 * @param model the model's name in messages
 */
export function templateOrigin(
  { template, tokenizer, names, bos, eos }: TemplateEntries,
  model: string,
): TemplateOrigin {
  const isSentencePiece = tokenizer === 'llama'; // which llama.cpp gives these where the file is silent
  const nameOf = (id: number | undefined) => (id === undefined ? '' : (names[id] ?? ''));
  return {
    model,
    own: template?.trim() ? template : undefined,
    bos: nameOf(bos ?? (isSentencePiece ? 1 : undefined)),
    eos: nameOf(eos ?? (isSentencePiece ? 2 : undefined)),
  };
}
