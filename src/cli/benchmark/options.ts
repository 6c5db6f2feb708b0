import { randomInt } from 'node:crypto';
import { basename } from 'node:path';
import { DEFAULT_STRATEGIES, type Entry, expand, type Lists } from '../../benchmark/contenders.js';
import type { BenchmarkOptions } from '../../benchmark/options.js';
import { readPrompts } from '../../benchmark/prompts.js';
import { UsageError } from '../../errors.js';
import { COMPARED_SETTINGS, SHARED_SETTINGS, type SharedSetting } from '../../generation/setting-names.js';
import type { Settings } from '../../generation/settings.js';
import { heedsSetting, PLAIN, refusalOf, STRATEGY_NAMES, type StrategyName } from '../../strategies/index.js';
import type { Io } from '../io.js';
import { draftChains } from '../model-options.js';
import { pairOptionsOf, runOptionsOf } from '../runtime-options.js';
import { templateChoiceOf } from '../template-options.js';
import { type BenchmarkFlags, BUILT_IN_LIMIT, USUAL_LENGTHS } from './flags.js';

/**
 * Turns the flags into options, and reads the prompts.
 * @throws UsageError for options that contradict each other, and for prompts that cannot be read
 */
export async function optionsOf(io: Io, flags: BenchmarkFlags): Promise<Omit<BenchmarkOptions, 'signal'>> {
  const { prompts, engine, repetitions, seed = randomInt(2 ** 32) } = flags;
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
    run: runOptionsOf(flags, io),
    settings: sharedSettingsOf(flags),
    repetitions,
    seed,
    perplexity: flags.perplexity,
  };
}

/** The settings that all contenders share. A switch that is not given is off. */
function sharedSettingsOf(flags: BenchmarkFlags): Pick<Settings, SharedSetting> {
  const entries = SHARED_SETTINGS.map((name) => [name, flags[name] ?? false]);
  return Object.fromEntries(entries);
}

/** The lists of compared settings. A switch that is given is tried on and off. */
function listsOf(flags: BenchmarkFlags): Lists {
  const entries = COMPARED_SETTINGS.map((name) => [name, flags[name] === true ? [false, true] : flags[name]]);
  const threshold = flags.threshold ?? (flags.quality && ['auto']); // a quality moves the threshold
  return { ...Object.fromEntries(entries), draftLength: flags.draftLength ?? USUAL_LENGTHS, threshold };
}

function entriesOf(flags: BenchmarkFlags): Entry[] {
  const { strategies } = flags;
  const isDefault = strategies === DEFAULT_STRATEGIES;
  const drafts = draftChains(flags);
  const entries = expand({
    strategies:
      isDefault && drafts.length > 0
        ? strategies.filter((one) => drafts.some((draft) => !refusalOf(one, draft)))
        : strategies,
    ...listsOf(flags),
    drafts,
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
