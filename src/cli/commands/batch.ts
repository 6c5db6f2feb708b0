import { existsSync } from 'node:fs';
import { Command, Option } from 'commander';
import { UsageError } from '../../errors.js';
import { parseSettings } from '../../generation/parse-settings.js';
import type { SettingsInput } from '../../generation/settings.js';
import type { BatchFlags } from '../batch/load.js';
import { addDecodingOptions, settingsOf } from '../decoding-options.js';
import { addGrammarOptions, readGrammar } from '../grammar-file.js';
import { inputFiles } from '../input-files.js';
import type { Io } from '../io.js';
import { addModelOptions } from '../model-options.js';
import { addTalkOptions, answerErrors } from '../program-options.js';
import { systemSource } from '../prompt-template.js';
import { checkOutputs } from '../render/sink.js';
import { addEngineOption, addLearnOption, addRuntimeOptions } from '../runtime-options.js';
import { addTemplateOptions, templateChoiceOf } from '../template-options.js';

const EXAMPLES = `
A line of the input: {"id": "a", "prompt": "..."} or {"id": "a", "messages": [{"role": "user", "content": "..."}]}, and any
setting under its name with underscores, as "max_tokens": 64. Without an id, the number of the line is one. Messages may
end with the beginning of an answer, of which the text is then the rest.
A line of the output: {"id", "text", "finish_reason", ...} or, where something was wrong, {"id", "line", "error"}.

Examples:
  mtad batch questions.jsonl -o answers.jsonl
  mtad batch questions.jsonl -o answers.jsonl --resume          only what is missing
  mtad batch -f 'letters/*.txt' --out-dir short "In one sentence, {file} says that"
  jq -c '{id: .url, prompt: .body}' pages.json | mtad batch > texts.jsonl

Exit codes: 0 all done, 1 some inputs failed, 2 wrong arguments, 3 to 5 and 129 to 143 as of mtad.`;

export function createBatch(io: Io): Command {
  const program = new Command('mtad batch')
    .usage('[options] [file.jsonl]\n       mtad batch [options] -f <file> [words...]')
    .description(
      'Write a text for each of many inputs. The models are loaded once, and what a prompt has in common with the one\n' +
        'before is read once.',
    )
    .argument('[words...]', 'a file of JSON lines, by default standard input; with --file, the instruction')
    .action(async (words: string[], flags: BatchFlags, command: Command) => {
      const output = flags.output === '-' ? undefined : flags.output;
      io.exitCode = await runCommand(io, words, { ...flags, systemFrom: systemSource(command), output });
    });
  answerErrors(program, io, '(mtad batch --help lists the options)');

  addModelOptions(program, io);

  program.optionsGroup('Inputs:');
  program
    .addOption(
      new Option('-f, --file <path>', 'a text that the words are about, or a pattern in quotes; repeatable')
        .argParser((path: string, all: readonly string[]) => [...all, path])
        .default([], 'none'),
    )
    .option('-s, --system <text>', 'what the model is told before each prompt, in its chat template')
    .addOption(
      new Option('--raw', 'give prompts as they are, also to a model with a chat template').conflicts(
        'system',
      ),
    );
  addTemplateOptions(program);

  program.optionsGroup('Decoding, where a line does not say otherwise:');
  addDecodingOptions(program);
  addGrammarOptions(program);

  program.optionsGroup('Runtime:');
  addEngineOption(program);
  addRuntimeOptions(program);
  addLearnOption(program);

  program.optionsGroup('Output:');
  program
    .option('-o, --output <file>', 'write JSON lines there instead of to standard output')
    .addOption(
      new Option('--out-dir <folder>', 'write a text file for each input there instead').conflicts('output'),
    )
    .option('--resume', 'leave out what --output or --out-dir has already')
    .option('--hide-reasoning', 'only the answer of a model that reasons first');
  addTalkOptions(program, 'no progress, no warnings');
  program.addHelpText('after', EXAMPLES);
  return program;
}

/** `mtad batch`: many inputs, one load. @returns the exit code */
async function runCommand(io: Io, words: readonly string[], flags: BatchFlags): Promise<number> {
  checkArguments(words, flags, io);
  const { output, file } = flags;
  const read = [...inputFiles(flags, io), ...(file.length > 0 ? [] : words)];
  checkOutputs(output === undefined ? [] : [output], read);
  const settings = settingsFor(flags, io);
  const { attended } = await import('../attended.js');
  const { loadAndRun } = await import('../batch/load.js');
  return attended(io, flags, (interrupts, progress) =>
    loadAndRun(io, words, flags, settings, interrupts, progress),
  );
}

/** @throws UsageError */
function checkArguments(
  words: readonly string[],
  { file, output, outDir, resume }: BatchFlags,
  io: Io,
): void {
  if (resume && output === undefined && outDir === undefined)
    throw new UsageError('--resume goes on with a file or a folder: name it with --output or --out-dir');
  if (file.includes('-'))
    throw new UsageError('--file - would be one text: mtad writes on from it without batch');
  const [first, second] = words;
  if (file.length > 0 && first !== undefined && existsSync(first))
    throw new UsageError(
      `${first} is a file among the words: put a pattern in quotes (-f '*.txt'), and -f before each file`,
    );
  if (file.length === 0 && second !== undefined)
    throw new UsageError(
      'Give one file of JSON lines, or texts with --file before each of them and an instruction in words',
    );
  if (file.length === 0 && first === undefined && !io.isFed)
    throw new UsageError('No inputs: name a file of JSON lines, pipe one in, or give texts with --file');
}

function settingsFor(flags: BatchFlags, io: Io): SettingsInput {
  const settings = {
    ...settingsOf(flags),
    ...templateChoiceOf(flags, io),
    grammar: readGrammar(flags, (line) => {
      if (!flags.quiet) io.say(line);
    }),
  };
  parseSettings(settings); // before anything is loaded
  return settings;
}
