import { Command, InvalidArgumentError, Option } from 'commander';
import { UsageError } from '../../errors.js';
import { settingsSchema } from '../../generation/settings.js';
import { VERSION } from '../../version.js';
import type { GenerateFlags } from '../commands/generate.js';
import { addModelOptions, addRuntimeOptions, answerErrors, DEFAULTS, setting } from '../options.js';
import { promptWords } from '../spelling.js';

/** By name, in a word or two. */
const STRATEGIES =
  'mtad (joint), mmtad (joint, all beams at once), speculative (as the target alone would write), ' +
  'block (the same, more accepted), autoregressive (no draft), mtjd (joint, the target alone: slow)';

const EXAMPLES = `
Examples:
  mtad "Once upon a time"
  mtad -m llama-8b-q4.gguf -d llama-1b-q4.gguf "The sea"
  mtad -m hf:bartowski/Qwen2.5-7B-Instruct-GGUF:Q4_K_M -d hf:bartowski/Qwen2.5-0.5B-Instruct-GGUF:Q4_K_M "The sea"
  mtad --draft lookup "One for sorrow, two for joy, one for"
  cat notes.txt | mtad "In one sentence, this says that"

Exit codes: 0 done, 1 failure, 2 wrong arguments, 3 model file, 4 models do not make a pair,
5 memory or context, 130 and 143 interrupted.`;

/** The command line of `mtad generate`, which is also that of `mtad` alone. Parsing loads no model and no native library. */
export function createGenerateProgram(): Command {
  const program = new Command('mtad')
    .usage(
      '[generate] [options] [prompt...]\n       mtad benchmark [options]\n       mtad pull <address...>\n       mtad pairs [options]\n       mtad inspect [options] [target] [draft]',
    )
    .description(
      'Generate text with two language models: a small one drafts several tokens at once, a large one judges them.\n' +
        'Without --model and --draft, a pair of small story models that comes with mtad is used.',
    )
    .argument('[prompt...]', 'words to write on from; standard input is put before them')
    .version(VERSION)
    .action(async (words: string[], flags: GenerateFlags, command: Command) => {
      const prompt = promptWords(words);
      if (prompt.length === 1 && prompt[0] === 'help') return command.help();
      const { runGenerate } = await import('../commands/generate.js');
      process.exitCode = await runGenerate(prompt, flags, () => command.helpInformation({ error: true }));
    });

  answerErrors(program, '(mtad --help lists the options; -p takes a prompt that begins with -)');

  program.optionsGroup('Models:');
  addModelOptions(program);

  program.optionsGroup('Prompt:');
  program
    .option('-p, --prompt <text>', 'the prompt, instead of words')
    .option('-f, --file <path>', 'read the prompt from a file; - is standard input')
    .option('--no-stdin', 'do not read standard input')
    .option('--raw', 'no chat template: give the prompt to the model as it is (the default in this release)')
    .addOption(later('--chat'))
    .addOption(later('-s, --system <text>'));

  program.optionsGroup('Decoding:');
  program
    .addOption(
      new Option('--strategy <name>', STRATEGIES).argParser(parseStrategy).default(DEFAULTS.strategy),
    )
    .addOption(setting('-k, --draft-length <n>', 'gamma', 'tokens drafted per step'))
    .addOption(setting('-w, --beam-width <n>', 'beamWidth', 'beams kept while drafting'))
    .addOption(
      setting(
        '--threshold <tau>',
        'tau',
        "accept while the joint likelihood is at least tau times the draft's, (0, 1]",
      ),
    )
    .option('--clip', 'do not let a lucky token pay for later bad ones')
    .addOption(setting('--temperature <t>', 'temperature', '0 = the most likely token'))
    .addOption(setting('--top-k <k>', 'topK', 'keep the k likeliest tokens, 0 = all'))
    .addOption(setting('--top-p <p>', 'topP', 'keep the likeliest tokens up to this mass, 1 = all'))
    .addOption(setting('--seed <n>', 'seed', 'the same seed gives the same text (default: random)'))
    .addOption(setting('-n, --max-tokens <n>', 'maxTokens', 'tokens to generate at most'))
    .addOption(
      new Option('--stop <text>', 'end before this text; repeatable')
        .argParser((text: string, all: string[]) => [...all, parseStop(text)])
        .default([], 'none'),
    )
    .option('--ignore-eos', 'never end by itself');

  program.optionsGroup('Runtime:');
  program.addOption(
    new Option(
      '--engine <name>',
      "direct: llama.cpp's C API; bindings: node-llama-cpp's; auto: direct if it can",
    )
      .choices(['auto', 'direct', 'bindings'])
      .default('auto'),
  );
  addRuntimeOptions(program);

  program.optionsGroup('Output:');
  program
    .addOption(new Option('--json', 'one JSON object at the end').conflicts('jsonl'))
    .option('--jsonl', 'one JSON object per event')
    .option('-o, --output <file>', 'write there instead of standard output')
    .option('--no-stream', 'print the text when it is complete')
    .option('--stats', 'figures on standard error (default: on a terminal)')
    .option('--no-stats', 'no figures')
    .option(
      '--perplexity',
      'measure it (default: with --json, --jsonl, --trace if the vocabulary is small; else it costs time)',
    )
    .option('--no-perplexity', 'do not measure it')
    .option('--highlight', 'colour what was drafted')
    .option('--trace <file>', 'write every step as a JSON line')
    .addOption(new Option('--color <when>', 'colours').choices(['auto', 'always', 'never']).default('auto'))
    .option('-q, --quiet', 'no progress, no warnings, no figures')
    .option('-v, --verbose', "llama.cpp's log, and errors in full");
  program.addHelpText('after', EXAMPLES);
  return program;
}

function parseStrategy(name: string): string {
  const parsed = settingsSchema.shape.strategy.safeParse(name);
  if (!parsed.success) throw new InvalidArgumentError(`It must be ${parsed.error.issues[0]!.message}.`);
  return name;
}

function parseStop(text: string): string {
  if (text === '') throw new InvalidArgumentError('It must not be empty.');
  return text;
}

/** An option that people know from other tools and will look for. */
function later(flags: string): Option {
  return new Option(flags).hideHelp().argParser(refuse).preset('').default(undefined);
  function refuse(): never {
    throw new UsageError(
      `${/--\w+/.exec(flags)![0]}: chat templates are not in this release; the prompt goes to the model as it is`,
    );
  }
}
