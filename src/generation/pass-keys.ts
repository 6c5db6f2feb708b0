import { stat } from 'node:fs/promises';
import { cpus } from 'node:os';
import { penaltiesOf } from '../math/penalties.js';
import type { ModelHeader } from '../models/header.js';
import type { Pair } from '../models/pair.js';
import type { Sequences } from '../strategies/definition.js';
import { definitionOf, heedsSetting } from '../strategies/index.js';
import type { CostKey } from '../tuning/cost-store.js';
import type { LearnedKey } from '../tuning/learned-store.js';
import { MEASUREMENT } from '../tuning/measure-costs.js';
import type { RunOptions } from './run-options.js';
import type { Settings } from './settings.js';

/** Texts up to this length share what passes cost; beyond, each doubling is measured anew. */
const SHORT_TEXT = 512;

/** What was learned beyond these is shared: the clients of a server choose settings, and must not make keys without end. */
const LOWEST_THRESHOLD = 2 ** -10;
const HIGHEST_TEMPERATURE = 2;

/** The files of models, by path, size and date. */
interface ModelsKey {
  readonly target: string;
  /** Null: the draft model is not used, or there is none. */
  readonly draft: string | null;
}

/** Returns what both kinds of keys say of the models that a strategy uses. */
export async function modelsKeyOf(
  { targetHeader, draftHeader }: Pick<Pair, 'targetHeader' | 'draftHeader'>,
  { draftFrom }: Pick<Settings, 'draftFrom'>,
  { draft }: Pick<Sequences, 'draft'>,
): Promise<ModelsKey> {
  const target = await fileKey(targetHeader);
  if (draft === 0) return { target, draft: null };
  if (draftFrom === 'mtp') return { target, draft: 'mtp' };
  return { target, draft: draftHeader ? await fileKey(draftHeader) : null };
}

/** What passes cost depends on these besides. */
interface CostFacts extends Sequences {
  /** Tokens of the text. */
  readonly length: number;
  /** Logits that are read. */
  readonly top: number;
}

/** Returns what the costs of passes depend on. */
export function costKeyOf(
  models: ModelsKey,
  { engine, gpuLayers, draftGpuLayers }: Pair,
  { threads, draftThreads, cacheType, flashAttention }: RunOptions,
  { target, draft, length, top }: CostFacts,
): CostKey {
  const processors = cpus();
  return {
    ...models,
    measurement: MEASUREMENT,
    engine: engine.name,
    backend: engine.backend,
    llama_cpp: engine.versions.llama_cpp,
    processor: processors[0]?.model ?? null,
    processors: processors.length,
    gpu_layers: gpuLayers ?? null,
    draft_gpu_layers: draftGpuLayers ?? null,
    threads: threads ?? null,
    draft_threads: draftThreads ?? null,
    cache_type: cacheType ?? null,
    flash_attention: flashAttention ?? null,
    target_sequences: target,
    draft_sequences: draft,
    top: doubled(top),
    text_up_to: doubled(Math.max(SHORT_TEXT, length)),
  };
}

/**
 * Returns what the acceptance of guesses depends on. Neighbouring thresholds and sampling settings share what was learned, as does a
 * corpus with itself while it has about one size, since it may grow with each text.
 */
export function learnedKeyOf(
  models: ModelsKey,
  pair: Pick<Pair, 'corpus' | 'corpusPath'>,
  settings: Settings,
): LearnedKey {
  const { strategy, threshold, draftFrom, draftFirst, draftTail } = settings;
  const { temperature, topK, topP, minP, repetition } = settings;
  const isHeeded = (name: 'threshold' | 'beamWidth' | 'clip') => heedsSetting(strategy, name);
  const usesCorpus = [draftFrom, draftFirst, draftTail].some((names) => names.includes('corpus'));
  return {
    ...models,
    strategy: definitionOf(strategy).name,
    draft_from: draftFrom,
    draft_first: draftFirst,
    draft_tail: draftTail,
    corpus: usesCorpus ? (pair.corpusPath ?? null) : null,
    corpus_tokens: usesCorpus && pair.corpus ? doubling(pair.corpus.tokens.length) : null,
    beam_width: isHeeded('beamWidth') ? settings.beamWidth : 1,
    bounds_repetition: repetition !== undefined,
    threshold: isHeeded('threshold')
      ? threshold === 'auto'
        ? threshold
        : doubling(Math.max(LOWEST_THRESHOLD, threshold))
      : 1,
    clip: isHeeded('clip') && settings.clip,
    temperature: Math.ceil(4 * Math.min(HIGHEST_TEMPERATURE, temperature)) / 4, // 0 alone for itself
    top_k: topK === 0 ? 0 : doubling(topK),
    top_p: Math.floor(20 * topP) / 20, // 1 alone for itself
    min_p: Math.ceil(20 * minP) / 20, // 0 alone for itself
    has_penalties: penaltiesOf(settings) !== undefined,
    has_grammar: settings.grammar !== undefined,
  };
}

/** Returns the nearest power of two. */
function doubling(value: number): number {
  return 2 ** Math.round(Math.log2(value));
}

/** Returns the next power of two, and 0 for 0. */
function doubled(value: number): number {
  return value === 0 ? 0 : 2 ** Math.ceil(Math.log2(value));
}

async function fileKey({ path, bytes }: ModelHeader): Promise<string> {
  const facts = await stat(path).catch(() => undefined); // it may be gone since it was loaded
  return `${path} ${bytes} ${facts?.mtimeMs}`;
}
