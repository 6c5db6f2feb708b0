import type { GgufFile } from './gguf-file.js';

/** The facts of a header that tell of a drafting head. */
export interface HeadFacts {
  readonly path: string;
  readonly architecture: string;
  /** Number of decoder layers that only draft. */
  readonly headLayers: number;
}

/** Architectures whose head llama.cpp can run, by the names in model files. */
const KNOWN_HEADS: ReadonlySet<string> = new Set([
  'bailingmoe3',
  'cohere2moe',
  'deepseek2',
  'deepseek32',
  'deepseek4',
  'glm-dsa',
  'glm4moe',
  'hy_v3',
  'mimo2',
  'nemotron_h_moe',
  'qwen35',
  'qwen35moe',
  'qwen3next',
  'step35',
]);

/** Those of them that llama.cpp runs a chain of heads of, a layer for each guess in a row. */
const KNOWN_CHAINS: ReadonlySet<string> = new Set(['hy_v3', 'mimo2', 'step35']);

/**
 * Returns the number of decoder layers that only draft (multi-token prediction, MTP, also called NextN). Some files tell of
 * such layers and were written without their weights: those have none.
 */
export function headLayersOf({ metadata, tensors }: Pick<GgufFile, 'metadata' | 'tensors'>): number {
  const told = metadata.number(metadata.own('nextn_predict_layers')) ?? 0;
  const there = tensors.filter(({ name }) => /\.nextn\.eh_proj\.weight$/.test(name)).length;
  return there >= told ? told : 0;
}

/** Returns the reason why the drafting head of a model cannot be used; undefined: it can. */
export function headRefusal({ path, architecture, headLayers }: HeadFacts): string | undefined {
  if (headLayers === 0) return `${path} has no drafting head`;
  if (!KNOWN_HEADS.has(architecture))
    return `llama.cpp cannot run the drafting head of ${path}, a ${architecture} model`;
  if (headLayers > 1 && !KNOWN_CHAINS.has(architecture))
    return `${path} has a chain of ${headLayers} drafting heads, and llama.cpp runs a single one of a ${architecture} model`;
  return undefined;
}

/** Returns whether a target can draft for itself. */
export function hasHead(header: HeadFacts): boolean {
  return headRefusal(header) === undefined;
}
