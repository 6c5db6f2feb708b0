import { basename } from 'node:path';
import type { GgufFileInfo } from 'node-llama-cpp';
import { templateOrigin } from '../engine/llama/template-origin.js';
import type { TemplateOrigin } from '../templates/open-template.js';
import { readGgufFile } from './gguf-file.js';
import { refuseUnfit } from './refusals.js';

/** What a GGUF file says of itself, read without loading its weights. */
export interface ModelHeader {
  readonly path: string;
  readonly architecture: string;
  /** Tokens the model was trained on at once. */
  readonly trainContextSize: number;
  readonly vocabulary: Vocabulary;
  /** What its makers want said beside every figure taken with it; metadata `mtad.caveat`. */
  readonly caveat: string | undefined;
  /** How the model wants to be talked to. */
  readonly template: TemplateOrigin;
  /** Of the file; of a split model, the first part. */
  readonly bytes: number;
}

/** What decides whether the tokens of two models mean the same. */
export interface Vocabulary {
  /** Text of each token. */
  readonly tokens: readonly string[];
  readonly bos: number | undefined;
  /** Before a text; undefined = as its kind of vocabulary does. */
  readonly addsBos: boolean | undefined;
  readonly eos: number | undefined;
}

/** @throws ModelFileError when the file is not a complete model that can generate text */
export async function readHeader(path: string): Promise<ModelHeader> {
  const file = await readGgufFile(path);
  refuseUnfit(file);
  const { info, partBytes } = file;
  return {
    path,
    bytes: partBytes[0]!,
    caveat: caveatOf(info),
    architecture: info.metadata.general.architecture,
    trainContextSize: Number(info.architectureMetadata.context_length ?? 0),
    template: templateOrigin(info, basename(path)),
    vocabulary: vocabularyOf(info),
  };
}

/** @param info of a file that was not refused */
export function vocabularyOf({ metadata: { tokenizer } }: GgufFileInfo): Vocabulary {
  return {
    tokens: tokenizer.ggml.tokens as readonly string[],
    bos: tokenizer.ggml.bos_token_id,
    addsBos: tokenizer.ggml.add_bos_token,
    eos: tokenizer.ggml.eos_token_id,
  };
}

export function caveatOf({ metadata }: GgufFileInfo): string | undefined {
  return (metadata as { mtad?: { caveat?: string } }).mtad?.caveat;
}
