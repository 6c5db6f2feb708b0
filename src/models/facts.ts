import { basename } from 'node:path';
import { type GgufFileInfo, GgufFileType } from 'node-llama-cpp';
import type { ModelInsights } from '../engine/llama/model-insights.js';
import { templateOrigin } from '../engine/llama/template-origin.js';
import { UsageError } from '../errors.js';
import { openTemplate } from '../templates/open-template.js';
import type { GgufFile } from './gguf-file.js';
import { caveatOf } from './header.js';
import { headLayersOf, headRefusal } from './heads.js';
import { type LayerKinds, layerKindsOf } from './layer-kinds.js';

/** The facts in a model file's header. Undefined: the header does not tell. */
export interface ModelFacts {
  /** The file's path, or its address. */
  readonly source: string;
  readonly remote: boolean;
  /** Size of all parts together. */
  readonly bytes: number | undefined;
  /** Number of files that the model is split into, >= 1. */
  readonly parts: number;
  readonly name: string | undefined;
  readonly license: string | undefined;
  readonly architecture: string;
  readonly parameters: number;
  /** llama.cpp's name of the file type, such as Q4_K_M. */
  readonly quantization: string | undefined;
  /** Context length of the training, in tokens. */
  readonly trainContextSize: number | undefined;
  /** All layers, those that only draft included. */
  readonly layers: number | undefined;
  readonly layerKinds: LayerKinds;
  /** Whether the model can draft for itself with a head in its file, or the reason why it cannot; undefined: it has none. */
  readonly head: HeadState | undefined;
  /** Number of tokens; 0: the file holds no vocabulary. */
  readonly vocabularySize: number;
  /** llama.cpp's name of the tokenizer, such as BPE. */
  readonly vocabularyKind: string | undefined;
  readonly bos: SpecialToken | undefined;
  readonly eos: SpecialToken | undefined;
  /** The token that ends a turn of a conversation. */
  readonly eot: SpecialToken | undefined;
  readonly chatTemplate: ChatTemplateFacts | undefined;
  /** Whether all layers keep a recurrent state in place of a KV cache. */
  readonly recurrent: boolean;
  /** Whether some layers do. */
  readonly hybrid: boolean;
  /** The most tokens that the layers with a sliding window see; undefined: no layer has one. */
  readonly slidingWindow: number | undefined;
  /** A warning of the model's makers; see `ModelHeader.caveat`. */
  readonly caveat: string | undefined;
}

/** A drafting head. */
export interface HeadState {
  /** Number of its layers, >= 1. */
  readonly layers: number;
  /** The reason why it cannot be used; undefined: it can. */
  readonly problem: string | undefined;
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

/** Facts about a chat template, found by rendering it. */
export interface ChatTemplateFacts {
  /** The error of rendering it; undefined: it can be rendered. */
  readonly problem: string | undefined;
  readonly takesSystem: boolean;
  /** When the model reasons before an answer. 'switch': when the setting `think` is on; 'itself': the model decides. */
  readonly reasons: 'always' | 'switch' | 'itself' | 'no';
}

/** @returns the facts about the chat template of a file; undefined where the file has no template */
export async function chatTemplateFacts({ info, source }: GgufFile): Promise<ChatTemplateFacts | undefined> {
  try {
    const template = await openTemplate(templateOrigin(info, basename(source)));
    if (!template) return undefined;
    const { takesSystem, hasSwitch, reasoning } = template;
    const alone = reasoning ? (reasoning.isOpen ? 'always' : 'itself') : 'no';
    return { problem: undefined, takesSystem, reasons: hasSwitch ? 'switch' : alone };
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return { problem: error.message, takesSystem: false, reasons: 'no' };
  }
}

export function factsOf(
  { source, remote, info, partBytes }: GgufFile,
  insights: ModelInsights,
  chatTemplate: ChatTemplateFacts | undefined,
): ModelFacts {
  const { metadata, architectureMetadata } = info;
  const { general } = metadata;
  const ggml = metadata.tokenizer?.ggml;
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
    quantization: metadata.general.file_type === undefined ? insights.mostOf : quantizationOf(info),
    trainContextSize: numberOf(architectureMetadata.context_length),
    layers: numberOf(architectureMetadata.block_count),
    layerKinds: layerKindsOf(info),
    head: headOf(source, info),
    vocabularySize: ggml?.tokens?.length ?? 0,
    vocabularyKind: ggml?.model && (VOCABULARY_KINDS[ggml.model] ?? ggml.model),
    bos: token(ggml?.bos_token_id),
    eos: token(ggml?.eos_token_id),
    eot: token((ggml as { eot_token_id?: number } | undefined)?.eot_token_id),
    chatTemplate,
    recurrent: insights.recurrent,
    hybrid: insights.hybrid,
    slidingWindow: insights.slidingWindow,
    caveat: caveatOf(info),
  };
}

/** @returns llama.cpp's name of the file type, such as Q4_K_M; undefined: the header does not tell */
export function quantizationOf({ metadata }: GgufFileInfo): string | undefined {
  const { file_type: fileType } = metadata.general;
  return fileType === undefined ? undefined : GgufFileType[fileType]?.replace(/^(MOSTLY|ALL)_/, '');
}

function headOf(path: string, info: GgufFileInfo): HeadState | undefined {
  const { architecture } = info.metadata.general;
  const layers = headLayersOf(info);
  return layers === 0
    ? undefined
    : { layers, problem: headRefusal({ path, architecture, headLayers: layers }) };
}

function numberOf(value: unknown): number | undefined {
  return value === undefined ? undefined : Number(value);
}
