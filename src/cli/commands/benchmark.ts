import { Command, InvalidArgumentError, Option } from 'commander';
import { DEFAULT_STRATEGIES, parseStrategies } from '../../benchmark/contenders.js';
import { UsageError } from '../../errors.js';
import { COMPARED_SETTINGS, SHARED_SETTINGS, type SharedSetting } from '../../generation/setting-names.js';
import { RECORDED_SETTINGS } from '../../strategies/definition.js';
import { STRATEGY_NAMES } from '../../strategies/index.js';
import { type BenchmarkFlags, BUILT_IN_LIMIT, USUAL_LENGTHS } from '../benchmark/flags.js';
import { FLAG_OF } from '../flag-names.js';
import type { Io } from '../io.js';
import { addModelOptions } from '../model-options.js';
import { whole } from '../option-kinds.js';
import { addTalkOptions, answerErrors } from '../program-options.js';
import { addRuntimeOptions } from '../runtime-options.js';
import { settingOption } from '../setting-options.js';
import { addTemplateOptions } from '../template-options.js';

/** Tokens per text. */
const MAX_TOKENS = 128;

/** Settings that the help lists with the prompts. */
const OF_TEXTS: readonly SharedSetting[] = ['maxTokens', 'ignoreEos', 'special'];

const EXAMPLES = `
Examples:
  mtad benchmark -m llama-8b-q4.gguf -d llama-1b-q4.gguf
  mtad benchmark --strategies mtad,mmtad,autoregressive --threshold 0.1,0.5 --draft-length 2,4,8
  mtad benchmark --prompts spec-bench.jsonl --limit 40 --peers --report report.html
  mtad benchmark --replay steps.jsonl --threshold 0.1,0.3,0.9      no model is loaded

The columns: tokens/s of the decoding loop (prompt excluded) of all texts
together, speed-up over autoregressive (their quotient) and perplexity under the
target, each with its 95 % interval over prompts, from low to high; different
pairs of tokens ÷ pairs (low = repeats itself); energy per token; first token in
ms; tokens per pass of the target; part of the drafted tokens accepted; part of
the time in draft model, target and mtad itself; time that the same passes take
bare ÷ time taken (above 1: noise, or faster in the loop than alone).`;

export function createBenchmark(io: Io): Command {
  const program = new Command('mtad benchmark')
    .usage('[options]')
    .description(
      'Run strategies side by side on the same prompts: response time, quality of the text, energy.\n' +
        'Without --model and --draft, on the pair of small story models that comes with mtad.',
    )
    .argument('[words...]')
    .action(async (words: string[], flags: BenchmarkFlags, command: Command) => {
      refuseWords(words);
      if (flags.replay !== undefined) readyForReplay(command);
      const { runBenchmark } = await import('../benchmark/run.js');
      io.exitCode = await runBenchmark(io, flags);
    });
  answerErrors(program, io, '(mtad benchmark --help lists the options)');

  program.optionsGroup('Models:');
  addModelOptions(program, io, { comparesDrafts: true });

  program.optionsGroup('What to compare (lists are separated by commas):');
  program.addOption(
    new Option('--strategies <list>', STRATEGY_NAMES.join(', '))
      .argParser(parseStrategies)
      .default(DEFAULT_STRATEGIES, DEFAULT_STRATEGIES.join(',')),
  );
  for (const name of COMPARED_SETTINGS)
    program.addOption(
      settingOption(name, { isList: true, ...(name === 'draftLength' && { usual: USUAL_LENGTHS }) }),
    );
  program
    .option(
      '--baselines',
      'also greedy, temperature 0.7 and mtjd (slow) (default: unless --strategies is given)',
    )
    .option('--no-baselines', 'without them')
    .option('--peers', "also node-llama-cpp's own evaluate() and DraftSequenceTokenPredictor")
    .addOption(
      new Option('--engine <list>', "direct: llama.cpp's C API; bindings: node-llama-cpp's; auto")
        .argParser(parseEngines)
        .default(['auto'], 'auto'),
    );

  program.optionsGroup('Prompts:');
  program
    .option(
      '--prompts <file>',
      'JSON lines: {"prompt"} or Spec-Bench\'s {"question_id", "turns"} (first turn); - is standard input',
    )
    .option('--raw', 'give the prompts as they are, also to a model with a chat template');
  addTemplateOptions(program);
  program
    .addOption(
      whole('--limit <n>', `the first n prompts (default: all, ${BUILT_IN_LIMIT} of the built-in ones)`, 1),
    )
    .addOption(whole('-r, --repetitions <n>', 'times each prompt', 1).default(1))
    .addOption(settingOption('maxTokens').default(MAX_TOKENS))
    .addOption(settingOption('ignoreEos'))
    .addOption(settingOption('special'))
    .addOption(settingOption('seed', { help: 'of the first text of each setting' }).default(1));

  program.optionsGroup('Sampling, the same for all:');
  for (const name of SHARED_SETTINGS) if (!OF_TEXTS.includes(name)) program.addOption(settingOption(name));

  program.optionsGroup('Runtime:');
  addRuntimeOptions(program);

  program.optionsGroup('Output:');
  program
    .addOption(
      new Option('--format <name>', 'what standard output gets')
        .choices(['table', 'md', 'csv', 'json', 'jsonl'])
        .default('table'),
    )
    .addOption(
      new Option(
        '-o, --output <file>',
        'also write there, as .md, .csv, .json or .jsonl says (JSON with prompts and texts); repeatable',
      )
        .argParser((path: string, all: readonly string[]) => [...all, path])
        .default([], 'none'),
    )
    .option('--report <file>', 'a page with table, plots and texts, HTML, complete in itself')
    .option('--compare <file>', 'hold the result against an earlier --output of JSON')
    .addOption(
      new Option(
        '--fail-below <factor>',
        'exit code 1 unless a strategy is at least so many times as fast',
      ).argParser(parseFactor),
    )
    .option('--no-perplexity', 'do not measure it')
    .option('--replay <trace>', 'from a file of mtad --trace, or -: what other settings would have accepted');
  addTalkOptions(program, 'no progress, no warnings');
  program.addHelpText('after', EXAMPLES);
  return program;
}

/** @throws UsageError for what people type who leave a comma out, or take this for `generate` */
function refuseWords([word]: readonly string[]): void {
  if (word !== undefined)
    throw new UsageError(
      `benchmark takes no words such as ${JSON.stringify(word)}: prompts come from --prompts <file>, and lists are written with commas, without spaces`,
    );
}

/** What a replay has a use for. */
const WITH_REPLAY = [...RECORDED_SETTINGS, ...'replay format color quiet verbose offline config'.split(' ')];

/**
 * A replay compares settings: those that hold for other runs would leave it a single one.
 * @throws UsageError for an option that would have no effect
 */
function readyForReplay(command: Command): void {
  for (const name of RECORDED_SETTINGS)
    if (command.getOptionValueSource(name) !== 'cli') command.setOptionValue(name, undefined);
  const stray = command.options.find((option) => {
    const name = option.attributeName();
    return command.getOptionValueSource(name) === 'cli' && !WITH_REPLAY.includes(name);
  });
  if (stray)
    throw new UsageError(
      `${stray.long} has no meaning beside --replay, which loads no model and writes to standard output; it takes ${RECORDED_SETTINGS.map((name) => FLAG_OF.get(name)).join(', ')} and --format`,
    );
}

function parseEngines(list: string): string[] {
  const names = list.split(',').map((name) => name.trim());
  const known = ['auto', 'direct', 'bindings'];
  const stray = names.find((name) => !known.includes(name));
  if (stray !== undefined)
    throw new InvalidArgumentError(`${JSON.stringify(stray)} is none of ${known.join(', ')}.`);
  const engines = [...new Set(names)];
  if (engines.length > 1 && engines.includes('auto'))
    throw new InvalidArgumentError('auto is one of the two others: it stands alone.');
  return engines;
}

function parseFactor(text: string): number {
  const factor = Number(text);
  if (!(text.trim() !== '' && factor > 0 && Number.isFinite(factor)))
    throw new InvalidArgumentError('It must be a number above 0, such as 1.2.');
  return factor;
}
