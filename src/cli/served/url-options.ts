import { type Command, Option } from 'commander';
import { UsageError } from '../../errors.js';
import { OPTION_SETTINGS } from '../../generation/setting-names.js';
import { settingName } from '../settings/names.js';

/** A server that writes the text. Undefined = not given. */
export interface UrlFlags {
  readonly url?: string;
  readonly apiKey?: string;
  readonly servedModel?: string;
}

/** The options that say which server writes the text. */
export function addUrlOptions(program: Command): void {
  program.optionsGroup('A server that writes the text:');
  program
    .addOption(
      new Option(
        '--url <url>',
        "the text is written there, by mtad serve or another server of OpenAI's interface; no model is loaded here",
      ).conflicts(['model', 'pair', 'targetUrl', 'rpc']),
    )
    .option('--api-key <key>', 'what it is sent as a key; as a variable, no list of processes shows it')
    .option('--served-model <name>', 'which of its models (default: the first)');
}

/** Options that are heeded where a server writes the text. A chat template is that of the server. */
const HEEDED: ReadonlySet<string> = new Set([
  ...OPTION_SETTINGS.filter((name) => name !== 'chatTemplate'),
  ...['url', 'apiKey', 'servedModel'],
  ...['prompt', 'file', 'stdin', 'system', 'chat', 'raw', 'grammar', 'jsonSchema'],
  ...['load', 'history', 'contextPolicy'],
  ...[
    'json',
    'jsonl',
    'output',
    'stream',
    'stats',
    'hideReasoning',
    'wrap',
    'color',
    'quiet',
    'verbose',
    'config',
  ],
]);

/** @throws UsageError for a flag that would change nothing, because the server writes the text, or because none does */
export function refuseOthers(program: Command, { url, apiKey, servedModel }: UrlFlags): void {
  const typed = program.options.filter(
    (option) => program.getOptionValueSource(option.attributeName()) === 'cli',
  );
  if (url !== undefined) {
    const strange = typed.find((option) => !HEEDED.has(option.attributeName()));
    if (strange) {
      const source = program.getOptionValueSource('url');
      const [by, remedy] =
        source === 'cli'
          ? ['--url', 'leave it out']
          : [`--url of ${source}`, 'leave it out, or add --no-url'];
      throw new UsageError(
        `${flagOf(strange, program)} is for texts that are written here, and with ${by} a server writes: ${remedy}`,
      );
    }
    return;
  }
  const needless = typed.find((option) => ['apiKey', 'servedModel'].includes(option.attributeName()));
  if (needless && (apiKey ?? servedModel) !== undefined)
    throw new UsageError(`${needless.long} is for a server, which --url names: leave it out, or give both`);
}

/** Of `--perplexity` and `--no-perplexity`, the one that was typed. */
function flagOf(option: Option, program: Command): string {
  const isOff = program.getOptionValue(option.attributeName()) === false;
  return `--${isOff ? 'no-' : ''}${settingName(option)}`;
}
