import { basename } from 'node:path';
import type { GgufFileInfo } from 'node-llama-cpp';
import { templateOrigin } from '../engine/llama/template-origin.js';
import type { TemplateOrigin } from '../templates/open-template.js';
import { readGgufFile } from './gguf-file.js';
import { headLayersOf } from './heads.js';
import { refuseUnfit } from './refusals.js';

/** The facts in the header of a GGUF file that `generate` needs. Its weights are not loaded. */
export interface ModelHeader {
  readonly path: string;
  readonly architecture: string;
  /** Context length of the training, in tokens; 0: the header does not tell. */
  readonly trainContextSize: number;
  readonly vocabulary: Vocabulary;
  /** Number of decoder layers that only draft; 0: the model has no drafting head. See `hasHead`. */
  readonly headLayers: number;
  /** A warning that its makers want beside every figure taken with the model: metadata `mtad.caveat`. */
  readonly caveat: string | undefined;
  /** The chat template in the file, and what it needs. */
  readonly template: TemplateOrigin;
  /** Size of the file; of a split model, of its first part. */
  readonly bytes: number;
}

/** A vocabulary, as far as it decides whether the tokens of two models mean the same. */
export interface Vocabulary {
  /** The text of each token, by id. */
  readonly tokens: readonly string[];
  readonly bos: number | undefined;
  /** Whether `bos` comes before each text; undefined: the kind of vocabulary decides. */
  readonly addsBos: boolean | undefined;
  readonly eos: number | undefined;
}

/**
 * @returns the header of a model file
 * @throws ModelFileError when the file is not a complete model that can generate text
 */
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
    headLayers: headLayersOf(info),
  };
}

/** @param info the header of a file that `refuseUnfit` accepts */
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
