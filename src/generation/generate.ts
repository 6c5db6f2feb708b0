import { randomInt } from 'node:crypto';
import { availableParallelism } from 'node:os';
import { performance } from 'node:perf_hooks';
import { openCache } from '../cache/open-cache.js';
import { decode, type Step } from '../decoding/decode.js';
import { CACHE_TYPES, type CacheType } from '../engine/engine.js';
import { ResourceError, UsageError } from '../errors.js';
import { addStep, type Counters, NO_STEPS } from '../metrics/counters.js';
import type { Pair } from '../models/pair.js';
import { createRng } from '../sampling/rng.js';
import { createStrategy, sequencesOf } from '../strategies/index.js';
import type { FinishReason, TokenId } from '../types.js';
import { bannedTokens } from './banned-tokens.js';
import { GrammarConstraint } from './grammar-constraint.js';
import { parseSettings, type Settings, type SettingsInput } from './settings.js';
import { type TextPiece, TextStream, textOf } from './text-stream.js';

/** How to run, as opposed to what to generate. */
export interface RunOptions {
  /** Tokens of prompt and text together; undefined = as many as the target was trained on. */
  readonly contextSize?: number | undefined;
  readonly threads?: number | undefined; // [1..processors], undefined = chosen by the engine
  readonly draftThreads?: number | undefined; // the same for the draft model; undefined = as `threads`
  readonly cacheType?: CacheType | undefined; // number format of both KV caches; undefined = f16
  readonly flashAttention?: boolean | undefined; // undefined = where llama.cpp has it for model and device
  /** Its abort ends the text where it is: finishReason 'interrupted'. */
  readonly signal?: AbortSignal | undefined;
}

export type GenerationEvent =
  | {
      readonly type: 'start';
      readonly promptTokens: readonly TokenId[];
      readonly settings: EffectiveSettings;
      readonly contextSize: number; // tokens
    }
  | { readonly type: 'prefill'; readonly done: number; readonly total: number } // tokens, over both models
  | { readonly type: 'step'; readonly step: Step }
  | { readonly type: 'text'; readonly pieces: readonly TextPiece[] }
  | { readonly type: 'end'; readonly result: GenerationResult };

/** With what was left open decided. */
export type EffectiveSettings = Settings & { readonly seed: number; readonly perplexity: boolean };

export interface GenerationResult {
  readonly text: string;
  readonly tokens: readonly TokenId[]; // emitted, the one that ended the text included
  readonly finishReason: FinishReason;
  readonly grammarComplete: boolean | null; // whether the text may end there; null without a grammar
  readonly counters: Counters;
  readonly prefillMs: number;
  readonly firstTokenMs: number | null; // from the start of prefill; null where no token came
}

/**
 * Writes on from a prompt: 'start', 'prefill' while the prompt is read, 'step' and 'text' in turn, 'end'.
 * @throws UsageError for wrong settings or an empty prompt; ResourceError when prompt or context do not fit
 */
export async function* generate(
  pair: Pair,
  prompt: string,
  input: SettingsInput = {},
  run: RunOptions = {},
): AsyncGenerator<GenerationEvent, void> {
  const { contextSize, signal } = run;
  const settings = effectiveSettings(pair, parseSettings(input));
  if (prompt === '') throw new UsageError('The prompt is empty');
  checkRunOptions(run);
  const { tokenizer } = pair.target;
  const promptTokens = tokenizer.encode(prompt);
  const limit = contextSize ?? (pair.targetHeader.trainContextSize || Number.MAX_SAFE_INTEGER);
  if (promptTokens.length >= limit)
    throw new ResourceError(
      `The prompt has ${promptTokens.length} tokens and the context holds ${limit}, the text included: ` +
        'shorten it, or raise the context size (--ctx-size)',
    );

  const grammar = settings.grammar && (await pair.target.createGrammar(settings.grammar));
  const now = () => performance.now();
  const sequences = sequencesOf(settings);
  const length = Math.min(limit, promptTokens.length + settings.maxTokens);
  const cache = await openCache(pair, {
    capacity: length - 1, // the last token is never evaluated
    targetSequences: sequences.target,
    draftSequences: sequences.draft,
    gamma: settings.gamma,
    threads: run.threads,
    draftThreads: run.draftThreads,
    cacheType: run.cacheType,
    flashAttention: run.flashAttention,
    now,
  });
  try {
    yield { type: 'start', promptTokens, settings, contextSize: limit };
    const started = now();
    const prefix = [...promptTokens];
    for await (const progress of cache.prefill(prefix)) {
      yield { type: 'prefill', ...progress };
      if (signal?.aborted) break;
    }
    const prefillMs = now() - started;

    const isEnd = (token: TokenId) => !settings.ignoreEos && tokenizer.isEndOfGeneration(token);
    const constraint = grammar && new GrammarConstraint(grammar.start(), promptTokens.length);
    const sampling = { ...settings, banned: bannedTokens(pair, settings.ignoreEos), constraint };
    const strategy = createStrategy(settings, { sampling, isEnd, target: cache.target, draft: cache.draft });
    const stream = new TextStream(tokenizer, promptTokens, settings.stop);
    const steps = decode(strategy, cache, prefix, {
      maxTokens: settings.maxTokens,
      rng: createRng(settings.seed),
      endsWith: (token) => (isEnd(token) ? 'eos' : stream.add(token) ? 'stop' : undefined),
      rawLogProbs: settings.perplexity,
      now,
      signal,
    });

    let text = '';
    let counters = NO_STEPS;
    let firstTokenMs: number | null = null;
    let turn = await steps.next();
    for (; !turn.done; turn = await steps.next()) {
      const step = turn.value;
      firstTokenMs ??= now() - started;
      counters = addStep(counters, step);
      yield { type: 'step', step };
      const pieces = stream.take(step.accepted);
      text += textOf(pieces);
      yield { type: 'text', pieces };
    }
    const finishReason = turn.value;
    const rest = finishReason === 'stop' ? [] : stream.end();
    if (rest.length > 0) yield { type: 'text', pieces: rest };
    const tokens = prefix.slice(promptTokens.length);
    const grammarComplete = constraint?.isComplete(prefix) ?? null;
    yield {
      type: 'end',
      result: {
        text: text + textOf(rest),
        tokens,
        finishReason,
        grammarComplete,
        counters,
        prefillMs,
        firstTokenMs,
      },
    };
  } finally {
    await cache.dispose();
  }
}

function checkRunOptions({
  contextSize,
  threads,
  draftThreads,
  cacheType,
  flashAttention,
}: RunOptions): void {
  const most = availableParallelism();
  for (const [name, count] of Object.entries({ threads, draftThreads }))
    if (count !== undefined && !(Number.isInteger(count) && count >= 1 && count <= most))
      throw new UsageError(`${name} must be a whole number from 1 to ${most}, not ${count}`);
  if (contextSize !== undefined && !(Number.isInteger(contextSize) && contextSize >= 2))
    throw new UsageError(`contextSize must be a whole number, 2 or more, not ${contextSize}`);
  if (cacheType !== undefined && !CACHE_TYPES.includes(cacheType))
    throw new UsageError(`cacheType must be one of ${CACHE_TYPES.join(', ')}, not ${cacheType}`);
  if (cacheType?.startsWith('q') && flashAttention === false)
    throw new UsageError(
      `A KV cache of type ${cacheType} needs flash attention: leave that on, or use the cache type f16`,
    );
}

/** Tokens up to which reading the whole vocabulary costs a millisecond or less per position. */
const SMALL_VOCABULARY = 4096;

function effectiveSettings({ targetHeader }: Pair, settings: Settings): EffectiveSettings {
  const { seed = randomInt(2 ** 32), perplexity } = settings;
  const isSmall = targetHeader.vocabulary.tokens.length <= SMALL_VOCABULARY;
  return { ...settings, seed, perplexity: perplexity === 'auto' ? isSmall : perplexity };
}
