import { stat } from 'node:fs/promises';
import { cpus } from 'node:os';
import { performance } from 'node:perf_hooks';
import type { CacheManager } from '../decoding/cache-manager.js';
import type { NodeReadRequest } from '../decoding/model-cache.js';
import type { ModelHeader } from '../models/header.js';
import type { Pair } from '../models/pair.js';
import type { StrategySettings } from '../strategies/definition.js';
import { definitionOf, heedsSetting, type StrategyOptions, sequencesOf } from '../strategies/index.js';
import { AdaptiveLength, MOST_GUESSES } from '../tuning/adaptive-length.js';
import type { CostCurves } from '../tuning/cost-curves.js';
import { type CostKey, CostMemory, type CostStore } from '../tuning/cost-store.js';
import { measureCosts } from '../tuning/measure-costs.js';
import { FIRST_THRESHOLD } from '../tuning/quality-budget.js';
import { priorSurvival } from '../tuning/survival.js';
import type { Prefix } from '../types.js';
import type { RunOptions } from './run-options.js';
import type { Settings } from './settings.js';

/** The draft length of a strategy that refuses nothing, where it is left open: no other would be faster. */
const USUAL_LENGTH = 4;

/** Texts up to this length share what passes cost; beyond, each doubling is measured anew. */
const SHORT_TEXT = 512;

/** The settings of a strategy, with as many tokens drafted per step as there may be at most, and the first threshold. */
export function strategyOptions(settings: Settings): StrategyOptions & StrategySettings {
  const most = isAdaptive(settings) ? MOST_GUESSES : USUAL_LENGTH;
  const { draftLength, threshold } = settings;
  return {
    ...settings,
    draftLength: draftLength === 'auto' ? most : draftLength,
    threshold: threshold === 'auto' ? FIRST_THRESHOLD : threshold,
  };
}

/** Whether the draft length follows what pays. */
export function isAdaptive({ strategy, draftLength }: Settings): boolean {
  return draftLength === 'auto' && heedsSetting(strategy, 'draftLength') && definitionOf(strategy).mayRefuse;
}

/**
 * The length that adapts to this pair, with what its passes cost behind this prompt: looked up, or measured now.
 * @param cache of both models, holding the prompt
 * @param read what the loop reads of each row
 * @returns also what to do where the costs turn out to be wrong, and the milliseconds that measuring took; null = the costs were known
 */
export async function adaptiveLength(
  pair: Pair,
  settings: Settings,
  run: RunOptions,
  { cache, prompt, read }: { cache: CacheManager; prompt: Prefix; read: NodeReadRequest },
): Promise<{ length: AdaptiveLength; measuredMs: number | null; forget: () => Promise<void> }> {
  const options = strategyOptions(settings);
  const beams = Math.max(1, sequencesOf(options).draft);
  const tau = heedsSetting(settings.strategy, 'threshold') ? options.threshold : 1;
  const lengthFor = (curves: CostCurves) => new AdaptiveLength(curves, beams, priorSurvival(tau));
  const store = run.costs ?? memoryOf(pair);
  const key = await keyOf(pair, run, { beams, length: prompt.length, top: read.top });
  const known = await store.find(key);
  const forget = () => store.forget(key);
  if (known) return { length: lengthFor(known), measuredMs: null, forget };
  const now = () => performance.now();
  const started = now();
  const curves = await measureCosts(cache, prompt, beams, { read, now });
  await store.keep(key, curves);
  return { length: lengthFor(curves), measuredMs: now() - started, forget };
}

const memories = new WeakMap<Pair, CostMemory>();

function memoryOf(pair: Pair): CostStore {
  const memory = memories.get(pair) ?? new CostMemory();
  memories.set(pair, memory);
  return memory;
}

async function keyOf(
  { engine, targetHeader, draftHeader }: Pair,
  { threads, draftThreads, cacheType, flashAttention }: RunOptions,
  { beams, length, top }: { beams: number; length: number; top: number },
): Promise<CostKey> {
  const bucket = 2 ** Math.ceil(Math.log2(Math.max(SHORT_TEXT, length)));
  return {
    target: await fileKey(targetHeader),
    draft: draftHeader ? await fileKey(draftHeader) : null,
    engine: engine.name,
    backend: engine.backend,
    llama_cpp: engine.versions.llama_cpp,
    processor: cpus()[0]?.model ?? null,
    processors: cpus().length,
    threads: threads ?? null,
    draft_threads: draftThreads ?? null,
    cache_type: cacheType ?? null,
    flash_attention: flashAttention ?? null,
    beams,
    top,
    text_up_to: bucket,
  };
}

async function fileKey({ path, bytes }: ModelHeader): Promise<string> {
  const { mtimeMs } = await stat(path);
  return `${path} ${bytes} ${mtimeMs}`;
}
