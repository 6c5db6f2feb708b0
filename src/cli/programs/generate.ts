import { Command, Option } from 'commander';
import { VERSION } from '../../version.js';
import type { GenerateFlags } from '../commands/generate.js';
import { addDecodingOptions } from '../decoding-options.js';
import {
  addEngineOption,
  addModelOptions,
  addRuntimeOptions,
  answerErrors,
  colorOption,
} from '../options.js';
import { addTemplateOptions } from '../template-options.js';

const HELP = `
Commands (mtad <command> --help tells more):
  mtad chat                     talk with a model
  mtad benchmark                strategies side by side: is it faster, is it better, what does it cost
  mtad pairs                    models that go together, by name
  mtad pull <address...>        download models
  mtad inspect [target] [draft] what two model files are, whether they make a pair, what memory they need
  mtad config                   every setting, and where it is from
  mtad complete <shell>         completion of commands, options and names

Examples:
  mtad "Once upon a time"
  mtad -m llama-8b-q4.gguf -d llama-1b-q4.gguf "The sea"
  mtad -m hf:bartowski/Qwen2.5-7B-Instruct-GGUF:Q4_K_M -d hf:bartowski/Qwen2.5-0.5B-Instruct-GGUF:Q4_K_M "The sea"
  mtad --draft lookup "One for sorrow, two for joy, one for"
  mtad --json-schema person.schema.json "The first person in this story, as JSON:"
  cat notes.txt | mtad "In one sentence, this says that"

Exit codes: 0 done, 1 failure, 2 wrong arguments, 3 model file, 4 models do not make a pair,
5 memory or context, 129, 130 and 143 interrupted.`;

/** The command line of `mtad generate`, which is also that of `mtad` alone. Parsing loads no model and no native library. */
export function createGenerateProgram(): Command {
  const program = new Command('mtad')
    .usage('[generate] [options] [prompt...]\n       mtad <command> [options]')
    .description(
      'Generate text with two language models: a small one drafts several tokens at once, a large one judges them.\n' +
        'Without --model and --draft, a pair of small story models that comes with mtad is used.',
    )
    .argument(
      '[prompt...]',
      'words to write on from; standard input is put before them, or where {stdin} stands',
    )
    .version(VERSION)
    .action(async (words: string[], flags: GenerateFlags, command: Command) => {
      const { runGenerate } = await import('../commands/generate.js');
      const source = command.getOptionValueSource('system');
      const systemFrom = source === 'cli' ? undefined : source;
      process.exitCode = await runGenerate(words, { ...flags, systemFrom }, () =>
        command.helpInformation({ error: true }),
      );
    });

  answerErrors(program, '(mtad --help lists the options; -p takes a prompt that begins with -)');

  program.optionsGroup('Models:');
  addModelOptions(program);

  program.optionsGroup('Prompt:');
  program
    .option('-p, --prompt <text>', 'the prompt, instead of words')
    .option('-f, --file <path>', 'read the prompt from a file; - is standard input')
    .option('--no-stdin', 'do not read standard input')
    .option('-s, --system <text>', 'what the model is told before the prompt, in its chat template')
    .option('--chat', 'put the prompt into the chat template (default: if the model has one)')
    .addOption(
      new Option('--raw', 'no chat template: give the prompt to the model as it is').conflicts([
        'chat',
        'system',
        'think',
        'chatTemplate',
        'chatTemplateFile',
      ]),
    );
  addTemplateOptions(program);

  program.optionsGroup('Decoding:');
  addDecodingOptions(program);
  program
    .addOption(
      new Option(
        '--json-schema <file>',
        'write JSON that obeys this schema, of a file or given as it is',
      ).conflicts(['grammar', 'ignoreEos']),
    )
    .addOption(
      new Option(
        '--grammar <file>',
        "write what this grammar allows, in llama.cpp's notation (GBNF), of a file or given as it is",
      ).conflicts('ignoreEos'),
    );

  program.optionsGroup('Runtime:');
  addEngineOption(program);
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
    .option('--hide-reasoning', 'only the answer of a model that reasons first')
    .option('--trace <file>', 'write every step as a JSON line')
    .addOption(colorOption())
    .option('-q, --quiet', 'no progress, no warnings, no figures')
    .option('-v, --verbose', "llama.cpp's log, and errors in full");
  program.addHelpText('after', HELP);
  return program;
}
