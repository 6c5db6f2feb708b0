import { basename } from 'node:path';
import { GgufFileType } from 'node-llama-cpp';
import type { ModelInsights } from '../engine/llama/model-insights.js';
import { templateOrigin } from '../engine/llama/template-origin.js';
import { UsageError } from '../errors.js';
import { openTemplate } from '../templates/open-template.js';
import type { GgufFile } from './gguf-file.js';
import { caveatOf } from './header.js';

/** What a model file says of itself. Undefined = it does not say. */
export interface ModelFacts {
  /** Path, or address. */
  readonly source: string;
  readonly remote: boolean;
  /** Of all parts together. */
  readonly bytes: number | undefined;
  /** Files that the model is split into. */
  readonly parts: number;
  readonly name: string | undefined;
  readonly license: string | undefined;
  readonly architecture: string;
  readonly parameters: number;
  /** As llama.cpp names file types: Q4_K_M. */
  readonly quantization: string | undefined;
  /** Tokens the model was trained on at once. */
  readonly trainContextSize: number | undefined;
  readonly layers: number | undefined;
  /** Tokens; 0 = the file holds none. */
  readonly vocabularySize: number;
  /** As llama.cpp names tokenizers: BPE. */
  readonly vocabularyKind: string | undefined;
  readonly bos: SpecialToken | undefined;
  readonly eos: SpecialToken | undefined;
  /** Ends a turn of a conversation. */
  readonly eot: SpecialToken | undefined;
  readonly chatTemplate: ChatTemplateFacts | undefined;
  /** All layers. */
  readonly recurrent: boolean;
  /** Some layers. */
  readonly hybrid: boolean;
  /** Tokens that some layers see at most. */
  readonly slidingWindow: number | undefined;
  /** See ModelHeader. */
  readonly caveat: string | undefined;
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

/** What a chat template does when it is tried. */
export interface ChatTemplateFacts {
  /** Why it cannot be rendered; undefined = it can. */
  readonly problem: string | undefined;
  readonly takesSystem: boolean;
  /** 'switch' = where --think says so; 'itself' = the model decides. */
  readonly reasons: 'always' | 'switch' | 'itself' | 'no';
}

/** Tries the chat template of a file; undefined where it has none. */
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
    chatTemplate,
    recurrent: insights.recurrent,
    hybrid: insights.hybrid,
    slidingWindow: insights.slidingWindow,
    caveat: caveatOf(info),
  };
}

function numberOf(value: unknown): number | undefined {
  return value === undefined ? undefined : Number(value);
}
