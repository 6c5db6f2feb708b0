import { GgufFileType } from 'node-llama-cpp';
import type { ModelInsights } from '../engine/model-insights.js';
import type { GgufFile } from './gguf-file.js';
import { caveatOf } from './header.js';

/** What a model file says of itself. Undefined = it does not say. */
export interface ModelFacts {
  readonly source: string; // path, or address
  readonly remote: boolean;
  readonly bytes: number | undefined; // of all parts together
  readonly parts: number; // files that the model is split into
  readonly name: string | undefined;
  readonly license: string | undefined;
  readonly architecture: string;
  readonly parameters: number;
  readonly quantization: string | undefined; // as llama.cpp names file types: Q4_K_M
  readonly trainContextSize: number | undefined; // tokens the model was trained on at once
  readonly layers: number | undefined;
  readonly vocabularySize: number; // tokens; 0 = the file holds none
  readonly vocabularyKind: string | undefined; // as llama.cpp names tokenizers: BPE
  readonly bos: SpecialToken | undefined;
  readonly eos: SpecialToken | undefined;
  readonly eot: SpecialToken | undefined; // ends a turn of a conversation
  readonly chatTemplate: boolean;
  readonly chatWrapper: string | undefined; // which of node-llama-cpp's fits the template
  readonly recurrent: boolean; // all layers
  readonly hybrid: boolean; // some layers
  readonly slidingWindow: number | undefined; // tokens that some layers see at most
  readonly caveat: string | undefined; // see ModelHeader
}

export interface SpecialToken {
  readonly id: number;
  readonly text: string | undefined;
}

/** The kinds of tokenizers that llama.cpp tells apart, by `tokenizer.ggml.model`. */
const VOCABULARY_KINDS: Record<string, string> = {
  llama: 'SPM',
  gpt2: 'BPE',
  bert: 'WPM',
  t5: 'UGM',
  rwkv: 'RWKV',
};

export function factsOf({ source, remote, info, partBytes }: GgufFile, insights: ModelInsights): ModelFacts {
  const { metadata, architectureMetadata } = info;
  const { general } = metadata;
  const ggml = metadata.tokenizer?.ggml;
  const fileType = general.file_type;
  const token = (id: number | undefined) =>
    id === undefined ? undefined : { id, text: ggml?.tokens?.[id] as string | undefined };
  return {
    source,
    remote,
    bytes: partBytes.reduce<number | undefined>(
      (sum, bytes) => (sum === undefined || bytes === undefined ? undefined : sum + bytes),
      0,
    ),
    parts: info.splicedParts,
    name: general.name,
    license: general.license,
    architecture: general.architecture,
    parameters: insights.parameters,
    quantization:
      fileType === undefined ? insights.mostOf : GgufFileType[fileType]?.replace(/^(MOSTLY|ALL)_/, ''),
    trainContextSize: numberOf(architectureMetadata.context_length),
    layers: numberOf(architectureMetadata.block_count),
    vocabularySize: ggml?.tokens?.length ?? 0,
    vocabularyKind: ggml?.model && (VOCABULARY_KINDS[ggml.model] ?? ggml.model),
    bos: token(ggml?.bos_token_id),
    eos: token(ggml?.eos_token_id),
    eot: token((ggml as { eot_token_id?: number } | undefined)?.eot_token_id),
    chatTemplate: !!metadata.tokenizer?.chat_template?.trim(),
    chatWrapper: insights.chatWrapper,
    recurrent: insights.recurrent,
    hybrid: insights.hybrid,
    slidingWindow: insights.slidingWindow,
    caveat: caveatOf(info),
  };
}

function numberOf(value: unknown): number | undefined {
  return value === undefined ? undefined : Number(value);
}
