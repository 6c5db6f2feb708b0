import type { CacheManager } from '../../src/decoding/cache-manager.js';
import type { EndCheck } from '../../src/decoding/cut.js';
import { type DecodeOptions, decode, type Step } from '../../src/decoding/loop.js';
import type { Strategy } from '../../src/decoding/strategy.js';
import type { Corpus } from '../../src/drafting/corpus.js';
import type { DraftLength } from '../../src/drafting/length.js';
import { createRng } from '../../src/math/rng.js';
import type { SamplingSettings } from '../../src/math/sampling-settings.js';
import { createStrategy, type StrategyOptions, sequencesOf } from '../../src/strategies/index.js';
import type { FinishReason, Prefix, TokenId } from '../../src/types.js';
import { fakeClock } from './fake-clock.js';
import { isEnd, UNCUT } from './fake-model.js';
import { type FakePair, type FakePairOptions, fakePair } from './fake-pair.js';

export const PROMPT: Prefix = [0, 3, 1];

export const endsAtEnd: EndCheck = (token) => (isEnd(token) ? 'eos' : undefined);
export const neverEnds: EndCheck = () => undefined;

export interface RunOptions extends Partial<DecodeOptions>, FakePairOptions {
  readonly length?: DraftLength | undefined;
  readonly threshold?: (() => number) | undefined;
  readonly beamWidth?: (() => number) | undefined;
  readonly corpus?: Corpus | undefined;
  readonly sampling?: SamplingSettings;
  readonly prompt?: Prefix;
  /** Puts something else in the place of a part of the strategy. */
  readonly alter?: (strategy: Strategy) => Strategy;
  /** Called after each step with the text so far. */
  readonly onStep?: (step: Step, prefix: Prefix, pair: FakePair) => void;
}

export interface Run {
  readonly emitted: readonly TokenId[];
  readonly steps: readonly Step[];
  readonly whole: readonly Step[]; // those that the token limit did not cut
  readonly finish: FinishReason;
  readonly prefix: TokenId[];
  readonly pair: FakePair;
}

/** Decodes on fake models from the prompt to the end. The seed is 1 where no rng is given. */
export async function run(options: StrategyOptions, settings: RunOptions = {}): Promise<Run> {
  const { sampling = UNCUT, prompt = PROMPT, alter = (strategy) => strategy, onStep } = settings;
  const { target, draft } = sequencesOf(options);
  const pair = fakePair({ targetSequences: target, draftSequences: Math.max(1, draft), ...settings });
  const prefix = [...prompt];
  await prefill(pair.cache, prefix);
  const strategy = alter(strategyOn(pair.cache, options, sampling, settings));
  const generator = decode(strategy, pair.cache, prefix, decodeOptions(settings));
  const steps: Step[] = [];
  let turn = await generator.next();
  for (; !turn.done; turn = await generator.next()) {
    steps.push(turn.value);
    onStep?.(turn.value, prefix, pair);
  }
  const whole = turn.value === 'length' ? steps.slice(0, -1) : steps;
  return { emitted: prefix.slice(prompt.length), steps, whole, finish: turn.value, prefix, pair };
}

export function strategyOn(
  { target, draft }: CacheManager,
  options: StrategyOptions,
  sampling: SamplingSettings,
  {
    length,
    threshold,
    beamWidth,
    corpus,
  }: Pick<RunOptions, 'length' | 'threshold' | 'beamWidth' | 'corpus'> = {},
): Strategy {
  return createStrategy(options, { sampling, length, threshold, beamWidth, corpus, isEnd, target, draft });
}

export function decodeOptions(given: Partial<DecodeOptions> = {}): DecodeOptions {
  return {
    maxTokens: given.maxTokens ?? 12,
    rng: given.rng ?? createRng(1),
    endsWith: given.endsWith ?? endsAtEnd,
    rawLogProbs: given.rawLogProbs ?? false,
    now: given.now ?? fakeClock(),
    signal: given.signal,
  };
}

export async function prefill(cache: CacheManager, prefix: Prefix): Promise<void> {
  for await (const _ of cache.prefill(prefix));
}
