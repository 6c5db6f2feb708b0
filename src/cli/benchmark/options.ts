import { randomInt } from 'node:crypto';
import { basename } from 'node:path';
import { DEFAULT_STRATEGIES, type Entry, expand } from '../../benchmark/contenders.js';
import type { BenchmarkOptions } from '../../benchmark/options.js';
import { readPrompts } from '../../benchmark/prompts.js';
import { UsageError } from '../../errors.js';
import { heedsSetting, PLAIN, refusalOf, STRATEGY_NAMES, type StrategyName } from '../../strategies/index.js';
import type { Io } from '../io.js';
import { DEFAULTS, draftSource, pairOptionsOf, runOptionsOf } from '../options.js';
import { templateChoiceOf } from '../template-options.js';
import { type BenchmarkFlags, BUILT_IN_LIMIT } from './flags.js';

/**
 * What the command line means, the prompts read.
 * @throws UsageError for options that contradict each other, and for prompts that cannot be read
 */
export async function optionsOf(io: Io, flags: BenchmarkFlags): Promise<Omit<BenchmarkOptions, 'signal'>> {
  const { prompts, engine, repetitions, seed = randomInt(2 ** 32) } = flags;
  const { temperature, topK, topP, maxTokens, ignoreEos = false, special = false } = flags;
  const limit = flags.limit ?? (prompts === undefined ? BUILT_IN_LIMIT : Number.POSITIVE_INFINITY);
  return {
    entries: entriesOf(flags),
    peers: flags.peers ?? false,
    engines: engine,
    promptSource: sourceName(prompts),
    prompts: await readPrompts(prompts, limit, io),
    raw: flags.raw ?? false,
    template: templateChoiceOf(flags, io),
    pair: pairOptionsOf(flags, io),
    run: runOptionsOf(flags),
    settings: { temperature, topK, topP, maxTokens, ignoreEos, special },
    repetitions,
    seed,
    perplexity: flags.perplexity,
  };
}

function entriesOf(flags: BenchmarkFlags): Entry[] {
  const { strategies, draftLength, beamWidth, threshold } = flags;
  const isDefault = strategies === DEFAULT_STRATEGIES;
  const looksUp = draftSource(flags) === 'lookup';
  const entries = expand({
    strategies:
      isDefault && looksUp
        ? strategies.filter((one) => refusalOf(one, { draftFrom: 'lookup' }) === undefined)
        : strategies,
    draftLengths: draftLength ?? [DEFAULTS.draftLength],
    beamWidths: beamWidth ?? [DEFAULTS.beamWidth],
    thresholds: threshold ?? [DEFAULTS.threshold],
    clip: flags.clip ?? false,
    draftFrom: draftSource(flags),
    baselines: flags.baselines ?? isDefault,
  });
  if (flags.clip && !strategies.some((one) => heedsSetting(one, 'clip'))) {
    const others = STRATEGY_NAMES.filter((one) => heedsSetting(one, 'clip')).join(' or ');
    throw new UsageError(`--clip changes the rule of ${others}: add ${others} to --strategies`);
  }
  const isComparison = strategies.includes(PLAIN.name as StrategyName) && new Set(strategies).size > 1;
  if (flags.failBelow !== undefined && !isComparison)
    throw new UsageError(
      '--fail-below compares autoregressive with others: --strategies must name it and another',
    );
  return entries;
}

function sourceName(prompts: string | undefined): string {
  if (prompts === undefined) return 'built-in';
  return prompts === '-' ? 'standard input' : basename(prompts);
}
