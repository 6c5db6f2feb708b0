import { basename } from 'node:path';
import { type TemplateEntries, templateOrigin } from '../engine/llama/template-origin.js';
import type { TemplateOrigin } from '../templates/open-template.js';
import { readGgufFile } from './gguf-file.js';
import { headLayersOf } from './heads.js';
import type { Metadata } from './metadata.js';
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
  const { metadata, parts } = file;
  return {
    path,
    bytes: parts[0]!.bytes!,
    caveat: caveatOf(metadata),
    architecture: metadata.architecture,
    trainContextSize: metadata.number(metadata.own('context_length')) ?? 0,
    template: templateOrigin(templateEntriesOf(metadata), basename(path)),
    vocabulary: vocabularyOf(metadata),
    headLayers: headLayersOf(file),
  };
}

export function vocabularyOf(metadata: Metadata): Vocabulary {
  return {
    tokens: metadata.texts('tokenizer.ggml.tokens') ?? [],
    bos: metadata.number('tokenizer.ggml.bos_token_id'),
    addsBos: metadata.flag('tokenizer.ggml.add_bos_token'),
    eos: metadata.number('tokenizer.ggml.eos_token_id'),
  };
}

export function templateEntriesOf(metadata: Metadata): TemplateEntries {
  const { tokens, bos, eos } = vocabularyOf(metadata);
  return {
    template: metadata.text('tokenizer.chat_template'),
    tokenizer: metadata.text('tokenizer.ggml.model'),
    names: tokens,
    bos,
    eos,
  };
}

export function caveatOf(metadata: Metadata): string | undefined {
  return metadata.text('mtad.caveat');
}
