import { stat } from 'node:fs/promises';
import { cpus } from 'node:os';
import { performance } from 'node:perf_hooks';
import type { CacheManager } from '../decoding/cache-manager.js';
import type { NodeReadRequest } from '../decoding/model-cache.js';
import type { Strategy } from '../decoding/strategy.js';
import { type DraftLength, fixedLength } from '../drafting/length.js';
import { UsageError } from '../errors.js';
import { createRng } from '../math/rng.js';
import { truncateAfter } from '../math/truncate.js';
import type { ModelHeader } from '../models/header.js';
import type { Pair } from '../models/pair.js';
import type { Sequences, StrategySettings } from '../strategies/definition.js';
import { definitionOf, heedsSetting, type StrategyOptions, sequencesOf } from '../strategies/index.js';
import { AdaptiveLength, type Guesser, type Learned, MOST_GUESSES } from '../tuning/adaptive-length.js';
import type { CostCurves } from '../tuning/cost-curves.js';
import { type CostKey, CostMemory, type CostStore } from '../tuning/cost-store.js';
import { measureCosts, type Rehearsal, ROOM_TO_MEASURE } from '../tuning/measure-costs.js';
import { FIRST_THRESHOLD } from '../tuning/quality-budget.js';
import { type Prefix, ROOT } from '../types.js';
import type { RunOptions } from './run-options.js';
import type { Settings } from './settings.js';

/** The draft length of a strategy that refuses nothing, where it is left open: no other would be faster. */
const USUAL_LENGTH = 4;

/** Texts up to this length share what passes cost; beyond, each doubling is measured anew. */
const SHORT_TEXT = 512;

/**
 * The settings of a strategy, with as many tokens drafted per step as there may be at most, the first threshold, and a draft
 * model where the source of drafts is left open.
 */
export function strategyOptions(settings: Settings): StrategyOptions & StrategySettings {
  const most = isAdaptive(settings) ? MOST_GUESSES : USUAL_LENGTH;
  const { draftLength, threshold, draftFrom } = settings;
  return {
    ...settings,
    draftFrom: draftFrom === 'auto' ? 'model' : draftFrom,
    draftLength: draftLength === 'auto' ? most : draftLength,
    threshold: threshold === 'auto' ? FIRST_THRESHOLD : threshold,
  };
}

/** Whether the draft length follows what pays. */
export function isAdaptive({ strategy, draftLength }: Settings): boolean {
  return draftLength === 'auto' && heedsSetting(strategy, 'draftLength') && definitionOf(strategy).mayRefuse;
}

/** A draft length for one text. */
export interface TextLength {
  readonly length: AdaptiveLength;
  /** Milliseconds that measuring what passes cost took; null = it was known. */
  readonly measuredMs: number | null;
  /** Keeps for the next text what this one has shown of the costs. */
  readonly correct: () => Promise<void>;
}

/** The text that a length is for. */
export interface BeginningText {
  /** Of both models, holding the prompt. */
  readonly cache: CacheManager;
  readonly prompt: Prefix;
  /** What the loop reads of each row. */
  readonly read: NodeReadRequest;
  /** The strategy with a draft length. */
  readonly strategyWith: (length: DraftLength) => Strategy;
  /** Where it stands after the texts before; undefined = it is fixed. */
  readonly threshold: number | undefined;
  readonly signal: AbortSignal | undefined;
}

/**
 * The length that adapts to this pair, with what its passes cost behind this prompt: looked up, or measured now.
 * @param learned of the text before
 * @returns undefined where it was interrupted
 * @throws UsageError where the costs that are given are those of other passes
 */
export async function adaptiveLength(
  pair: Pair,
  settings: Settings,
  run: RunOptions,
  text: BeginningText,
  learned?: Learned,
): Promise<TextLength | undefined> {
  const { cache, prompt, read } = text;
  const options = strategyOptions(settings);
  const sequences = sequencesOf(options);
  const guesser = {
    beamWidth: Math.max(1, sequences.draft),
    isTold: isTold(settings),
    tail: tailOf(settings),
    firsts: settings.draftFirst === 'none' ? 0 : settings.draftFirst.split('+').length,
    threshold: heedsSetting(settings.strategy, 'threshold') ? (text.threshold ?? options.threshold) : 1,
  };
  const store = run.costs ?? memoryOf(pair);
  const usesHead = settings.draftFrom === 'mtp' && sequences.draft > 0;
  const key = await keyOf(pair, run, { ...sequences, usesHead, length: prompt.length, top: read.top });
  const isTypical = cache.capacity - prompt.length >= ROOM_TO_MEASURE; // others may have more room
  const textLength = (curves: CostCurves, measuredMs: number | null): TextLength => {
    const length = new AdaptiveLength(curves, guesser, learned);
    const correct = async () => {
      const { corrected } = length;
      if (corrected && isTypical) await store.correct(key, corrected);
    };
    return { length, measuredMs, correct };
  };
  const known = await store.find(key);
  if (known && cache.draft && !known.draft)
    throw new UsageError('The given `costs` are of passes without a draft model: give others, or a new name');
  if (known) return textLength(cache.draft ? known : { ...known, draft: undefined }, null);
  const started = now();
  const curves = await measureCosts(cache, prompt, guesser.beamWidth, rehearsalOf(text));
  if (!curves) return undefined;
  if (isTypical) await store.keep(key, curves);
  return textLength(curves, now() - started);
}

/** The parts of a step, as the loop does them. Chance is of its own, so that the text has the same whether it is measured or not. */
function rehearsalOf({ cache, prompt, read, strategyWith, signal }: BeginningText): Rehearsal {
  const rng = createRng(0);
  const { truncation, accept } = strategyWith(fixedLength(1));
  return {
    guess: (guesses) => strategyWith(fixedLength(guesses)).draft(prompt, guesses, rng),
    judge: async (draft) => {
      const nodes = [ROOT, ...draft.keys()];
      const rows = await cache.target.evaluate(prompt, draft, nodes, read);
      accept(draft, truncateAfter(rows, prompt, draft, nodes, truncation), rng);
      cache.rollback(prompt);
    },
    now,
    signal,
  };
}

function now(): number {
  return performance.now();
}

/** Lookups are certain of all that they guess, and so is a draft model that only has its likeliest token. */
export function isTold({
  strategy,
  draftFrom,
  temperature,
}: Pick<Settings, 'strategy' | 'draftFrom' | 'temperature'>): boolean {
  return draftFrom !== 'lookup' && !(temperature === 0 && definitionOf(strategy).isLossless);
}

/** What goes on behind the draft, for an adaptive length; undefined: nothing. */
function tailOf({ strategy, draftTail, temperature }: Settings): Guesser['tail'] {
  if (draftTail === 'none') return undefined;
  return { isTold: isTold({ strategy, draftFrom: draftTail, temperature }) };
}

const memories = new WeakMap<Pair, CostMemory>();

function memoryOf(pair: Pair): CostStore {
  const memory = memories.get(pair) ?? new CostMemory();
  memories.set(pair, memory);
  return memory;
}

/** What passes cost depends on these besides. */
interface CostFacts {
  readonly usesHead: boolean;
  /** Tokens of the text. */
  readonly length: number;
  /** Logits that are read. */
  readonly top: number;
}

async function keyOf(
  { engine, targetHeader, draftHeader, gpuLayers, draftGpuLayers }: Pair,
  { threads, draftThreads, cacheType, flashAttention }: RunOptions,
  { target, draft, usesHead, length, top }: Sequences & CostFacts,
): Promise<CostKey> {
  const processors = cpus();
  const bucket = 2 ** Math.ceil(Math.log2(Math.max(SHORT_TEXT, length)));
  return {
    target: await fileKey(targetHeader),
    draft: usesHead ? 'mtp' : draftHeader && draft > 0 ? await fileKey(draftHeader) : null,
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
    top,
    text_up_to: bucket,
  };
}

async function fileKey({ path, bytes }: ModelHeader): Promise<string> {
  const facts = await stat(path).catch(() => undefined); // it may be gone since it was loaded
  return `${path} ${bytes} ${facts?.mtimeMs}`;
}
