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
import type { StrategySettings } from '../strategies/definition.js';
import { definitionOf, heedsSetting, type StrategyOptions, sequencesOf } from '../strategies/index.js';
import { AdaptiveLength, type Guesser } from '../tuning/adaptive-length.js';
import type { CostCurves } from '../tuning/cost-curves.js';
import { CostMemory, type CostStore } from '../tuning/cost-store.js';
import { faded, isNews, type Learned } from '../tuning/learned.js';
import { LearnedMemory } from '../tuning/learned-store.js';
import { measureCosts, type Rehearsal, ROOM_TO_MEASURE } from '../tuning/measure-costs.js';
import { learnedUnder } from '../tuning/profile.js';
import { FIRST_THRESHOLD } from '../tuning/quality-budget.js';
import { MOST_GUESSES } from '../tuning/step-costs.js';
import { type Prefix, ROOT } from '../types.js';
import { costKeyOf, learnedKeyOf, modelsKeyOf } from './pass-keys.js';
import type { RunOptions } from './run-options.js';
import type { Settings } from './settings.js';

/** The draft length of a strategy that refuses nothing, where it is left open: no other would be faster. */
const USUAL_LENGTH = 4;

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
  /** Keeps for the next text what this one has shown of the costs and of the draft. */
  readonly keep: () => Promise<void>;
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
 * @param learned of the text before; undefined: it begins with what other texts have left, or the profile, or with nothing
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
    freeSources: settings.draftFirst === 'none' ? 0 : settings.draftFirst.split('+').length,
    threshold: heedsSetting(settings.strategy, 'threshold') ? (text.threshold ?? options.threshold) : 1,
  };
  const costs: CostStore = run.costs ?? memoryOf(pair).costs;
  const models = await modelsKeyOf(pair, settings, sequences);
  const key = costKeyOf(models, pair, run, { ...sequences, length: prompt.length, top: read.top });
  const isTypical = cache.capacity - prompt.length >= ROOM_TO_MEASURE; // others may have more room
  const texts = costs.areFixed ? undefined : (run.learned ?? memoryOf(pair).learned);
  const learnedKey = learnedKeyOf(models, pair, settings);
  const kept = await texts?.find(learnedKey);
  const known = (costs.areFixed ? undefined : learned) ?? kept ?? learnedUnder(run.profile, settings);
  const textLength = (curves: CostCurves, measuredMs: number | null): TextLength => {
    const length = new AdaptiveLength(curves, guesser, known && faded(known));
    const keep = async () => {
      const { corrected, learned } = length;
      if (corrected && isTypical) await costs.correct(key, corrected);
      if (texts && (!kept || isNews(learned, kept))) await texts.keep(learnedKey, learned);
    };
    return { length, measuredMs, keep };
  };
  const measured = await costs.find(key);
  if (measured && cache.draft && !measured.draft)
    throw new UsageError('The given `costs` are of passes without a draft model: give others, or a new name');
  if (measured) return textLength(cache.draft ? measured : { ...measured, draft: undefined }, null);
  const started = now();
  const curves = await measureCosts(cache, prompt, guesser.beamWidth, rehearsalOf(text));
  if (!curves) return undefined;
  if (isTypical) await costs.keep(key, curves);
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

/** What is kept with a pair as long as it is loaded, where nobody says otherwise. */
interface Memory {
  readonly costs: CostMemory;
  readonly learned: LearnedMemory;
}

/** By the target's header, which all copies of a pair have in common. */
const memories = new WeakMap<ModelHeader, Memory>();

function memoryOf({ targetHeader }: Pair): Memory {
  const memory = memories.get(targetHeader) ?? { costs: new CostMemory(), learned: new LearnedMemory() };
  memories.set(targetHeader, memory);
  return memory;
}
