import { type Command, InvalidArgumentError, Option } from 'commander';
import { type SettingsInput, settingsSchema } from '../generation/settings.js';
import { STRATEGIES, type StrategyName } from '../strategies/index.js';
import { DEFAULTS, draftSource, type RuntimeFlags, setting } from './options.js';

/** What decides which text comes out: what every command that writes one text is asked. Undefined = not given. */
export type DecodingFlags = Omit<
  SettingsInput,
  'strategy' | 'draftFrom' | 'chatTemplate' | 'think' | 'grammar' | 'perplexity'
> & { strategy: StrategyName };

/** By name, in a few words. */
const IN_WORDS = Object.values(STRATEGIES)
  .map(({ name, help }) => `${name} (${help})`)
  .join(', ');

export function addDecodingOptions(program: Command): void {
  program
    .addOption(new Option('--strategy <name>', IN_WORDS).argParser(parseStrategy).default(DEFAULTS.strategy))
    .addOption(setting('-k, --draft-length <n>', 'draftLength', 'tokens drafted per step'))
    .addOption(setting('-w, --beam-width <n>', 'beamWidth', 'beams kept while drafting'))
    .addOption(
      setting(
        '--threshold <tau>',
        'threshold',
        "accept while the joint likelihood is at least tau times the draft's, (0, 1]",
      ),
    )
    .option('--clip', 'do not let a lucky token pay for later bad ones')
    .addOption(setting('--temperature <t>', 'temperature', '0 = the most likely token'))
    .addOption(setting('--top-k <k>', 'topK', 'keep the k likeliest tokens, 0 = all'))
    .addOption(setting('--top-p <p>', 'topP', 'keep the likeliest tokens up to this mass, 1 = all'))
    .addOption(
      setting('--min-p <p>', 'minP', 'then drop what is less likely than p times the likeliest, 0 = none'),
    )
    .addOption(
      setting('--repeat-penalty <x>', 'repeatPenalty', 'make tokens that were used less likely, 1 = off'),
    )
    .addOption(setting('--repeat-last-n <n>', 'repeatLastN', 'used among the last n tokens; -1 = all'))
    .addOption(
      setting('--presence-penalty <x>', 'presencePenalty', 'subtract from the logits of used tokens'),
    )
    .addOption(setting('--frequency-penalty <x>', 'frequencyPenalty', 'the same for each time it was used'))
    .addOption(setting('--seed <n>', 'seed', 'the same seed gives the same text (default: random)'))
    .addOption(setting('-n, --max-tokens <n>', 'maxTokens', 'tokens to generate at most'))
    .addOption(
      new Option('--stop <text>', 'end before this text; repeatable')
        .argParser((text: string, all: string[] | false) => [...(all || []), parseStop(text)]) // false: after --no-stop
        .default([], 'none'),
    )
    .option('--ignore-eos', 'never end by itself')
    .option('--special', 'control tokens by their names: in a prompt without template, and in the text');
}

/** @returns those flags that are settings; both have one name */
export function settingsOf(flags: DecodingFlags & RuntimeFlags): SettingsInput {
  const given = Object.entries(flags).filter(([name]) => DECODING.has(name));
  return { ...Object.fromEntries(given), draftFrom: draftSource(flags) };
}

/** The settings that are flags of these names; the others are put together from several. */
const DECODING: ReadonlySet<string> = new Set(
  Object.keys(settingsSchema.shape).filter(
    (name) => !['draftFrom', 'chatTemplate', 'think', 'grammar', 'perplexity'].includes(name),
  ),
);

function parseStrategy(name: string): string {
  const parsed = settingsSchema.shape.strategy.safeParse(name);
  if (!parsed.success) throw new InvalidArgumentError(`It must be ${parsed.error.issues[0]!.message}.`);
  return name;
}

function parseStop(text: string): string {
  if (text === '') throw new InvalidArgumentError('It must not be empty.');
  return text;
}
