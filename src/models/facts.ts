import { basename } from 'node:path';
import type { ModelInsights } from '../engine/llama/model-insights.js';
import { templateOrigin } from '../engine/llama/template-origin.js';
import { UsageError } from '../errors.js';
import { openTemplate } from '../templates/open-template.js';
import type { GgufFile } from './gguf-file.js';
import { caveatOf, templateEntriesOf } from './header.js';
import { headLayersOf, headRefusal } from './heads.js';
import { type LayerKinds, layerKindsOf } from './layer-kinds.js';
import type { Metadata } from './metadata.js';

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
const VOCABULARY_KINDS: ReadonlyMap<string, string> = new Map([
  ['llama', 'SPM'],
  ['gpt2', 'BPE'],
  ['bert', 'WPM'],
  ['t5', 'UGM'],
  ['rwkv', 'RWKV'],
]);

/** Facts about a chat template, found by rendering it. */
export interface ChatTemplateFacts {
  /** The error of rendering it; undefined: it can be rendered. */
  readonly problem: string | undefined;
  readonly takesSystem: boolean;
  /** When the model reasons before an answer. 'switch': when the setting `think` is on; 'itself': the model decides. */
  readonly reasons: 'always' | 'switch' | 'itself' | 'no';
}

/** @returns the facts about the chat template of a file; undefined where the file has no template */
export async function chatTemplateFacts(file: GgufFile): Promise<ChatTemplateFacts | undefined> {
  try {
    const template = await openTemplate(
      templateOrigin(templateEntriesOf(file.metadata), basename(file.source)),
    );
    if (!template) return undefined;
    const { takesSystem, hasSwitch, reasoning } = template;
    const alone = reasoning ? (reasoning.isOpen ? 'always' : 'itself') : 'no';
    return { problem: undefined, takesSystem, reasons: hasSwitch ? 'switch' : alone };
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    return { problem: error.message, takesSystem: false, reasons: 'no' };
  }
}

export async function factsOf(
  file: GgufFile,
  insights: ModelInsights,
  chatTemplate: ChatTemplateFacts | undefined,
): Promise<ModelFacts> {
  const { source, remote, metadata, parts } = file;
  const tokens = metadata.texts('tokenizer.ggml.tokens') ?? [];
  const kind = metadata.text('tokenizer.ggml.model');
  const token = (name: string) => {
    const id = metadata.number(`tokenizer.ggml.${name}_token_id`);
    return id === undefined ? undefined : { id, text: tokens[id] };
  };
  return {
    source,
    remote,
    bytes: parts.reduce<number | undefined>(
      (sum, { bytes }) => (sum === undefined || bytes === undefined ? undefined : sum + bytes),
      0,
    ),
    parts: parts.length,
    name: metadata.text('general.name'),
    license: metadata.text('general.license'),
    architecture: metadata.architecture,
    parameters: insights.parameters,
    quantization:
      metadata.number('general.file_type') === undefined ? insights.mostOf : await quantizationOf(metadata),
    trainContextSize: metadata.number(metadata.own('context_length')),
    layers: metadata.number(metadata.own('block_count')),
    layerKinds: layerKindsOf(file),
    head: headOf(file),
    vocabularySize: tokens.length,
    vocabularyKind: kind && (VOCABULARY_KINDS.get(kind) ?? kind),
    bos: token('bos'),
    eos: token('eos'),
    eot: token('eot'),
    chatTemplate,
    recurrent: insights.recurrent,
    hybrid: insights.hybrid,
    slidingWindow: insights.slidingWindow,
    caveat: caveatOf(metadata),
  };
}

/** @returns llama.cpp's name of the file type, such as Q4_K_M; undefined: the header does not tell */
export async function quantizationOf(metadata: Metadata): Promise<string | undefined> {
  const fileType = metadata.number('general.file_type');
  if (fileType === undefined) return undefined;
  const { GgufFileType } = await import('node-llama-cpp');
  return GgufFileType[fileType]?.replace(/^(MOSTLY|ALL)_/, '');
}

function headOf(file: GgufFile): HeadState | undefined {
  const { architecture } = file.metadata;
  const layers = headLayersOf(file);
  return layers === 0
    ? undefined
    : { layers, problem: headRefusal({ path: file.source, architecture, headLayers: layers }) };
}
