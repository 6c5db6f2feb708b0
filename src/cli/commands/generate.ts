import { performance } from 'node:perf_hooks';
import { Command, Option } from 'commander';
import { UsageError } from '../../errors.js';
import { modelsOf, usesDraftModel, withDraftSource } from '../../generation/draft-source.js';
import { parseSettings } from '../../generation/parse-settings.js';
import type { Settings, SettingsInput } from '../../generation/settings.js';
import type { PairOptions } from '../../models/pair.js';
import { USUAL_CONTEXT } from '../../models/usual-context.js';
import { VERSION } from '../../version.js';
import { type Commands, commandList, firstSteps } from '../command.js';
import { addDecodingOptions, type DecodingFlags, settingsOf } from '../decoding-options.js';
import { draftNotice } from '../draft-notice.js';
import { EXIT } from '../failures.js';
import { addGrammarOptions, type GrammarFlags, readGrammar } from '../grammar-file.js';
import { inputFiles } from '../input-files.js';
import type { Interrupts } from '../interrupts.js';
import type { Io } from '../io.js';
import { addModelOptions, addRpcOptions, addTargetUrlOptions } from '../model-options.js';
import { addTalkOptions, addWrapOption, answerErrors } from '../program-options.js';
import { checkSources, type PromptSources, readPrompt } from '../prompt.js';
import { type PlaceFlags, promptTemplate, systemSource } from '../prompt-template.js';
import { downloadReports } from '../render/downloads.js';
import type { Progress } from '../render/progress.js';
import { checkOutputs } from '../render/sink.js';
import { addEngineOption, addLearnOption, addRuntimeOptions, pairOptionsOf } from '../runtime-options.js';
import { addUrlOptions, refuseOthers, type UrlFlags } from '../served/url-options.js';
import { addTemplateOptions, type TemplateFlags, templateChoiceOf } from '../template-options.js';
import { warn } from '../warnings.js';
import type { TextFlags } from '../write-text.js';

/** What Commander makes of the options. Undefined = not given. */
interface GenerateFlags extends TextFlags, DecodingFlags, GrammarFlags, TemplateFlags, PlaceFlags, UrlFlags {
  prompt?: string;
  file?: string;
  stdin: boolean;
  /** While the command line was read. */
  filesRead?: readonly string[];
  engine: NonNullable<PairOptions['engine']>;
  perplexity?: boolean;
}

const EXAMPLES = `
Examples:
  mtad "Once upon a time"
  mtad -m llama-8b-q4.gguf -d llama-1b-q4.gguf "The sea"
  mtad -m hf:bartowski/Qwen2.5-7B-Instruct-GGUF:Q4_K_M -d hf:bartowski/Qwen2.5-0.5B-Instruct-GGUF:Q4_K_M "The sea"
  mtad --draft lookup "One for sorrow, two for joy, one for"
  mtad --json-schema person.schema.json "The first person in this story, as JSON:"
  cat notes.txt | mtad "In one sentence, this says that"

Exit codes: 0 done, 1 failure, 2 wrong arguments, 3 model file, 4 models do not make a pair,
5 memory or context, 129, 130 and 143 interrupted.`;

/** The command line of `mtad generate`, which is also that of `mtad` alone. */
export function createGenerate(io: Io, _args: readonly string[], commands: Commands): Command {
  const program = new Command('mtad')
    .usage('[generate] [options] [prompt...]\n       mtad <command> [options]')
    .description(
      'Generate text with two language models: a small one drafts several tokens at once, a large one judges them.\n' +
        'Without --model and --draft, a pair of small story models that comes with mtad is used. A target alone\n' +
        'drafts from the text so far.',
    )
    .argument(
      '[prompt...]',
      'words to write on from; file and standard input stand before them, or where {file} and {stdin} do',
    )
    .version(VERSION)
    .action(async (words: string[], flags: GenerateFlags, command: Command) => {
      const systemFrom = systemSource(command);
      const output = flags.output === '-' ? undefined : flags.output;
      refuseOthers(command, flags);
      io.exitCode = await runGenerate(io, words, { ...flags, systemFrom, output }, command, commands);
    });

  answerErrors(program, io, '(mtad --help lists the options; -p takes a prompt that begins with -)');

  program.optionsGroup('Models:');
  addModelOptions(program, io);
  addTargetUrlOptions(program);
  addRpcOptions(program);
  addUrlOptions(program);

  program.optionsGroup('Prompt:');
  program
    .option('-p, --prompt <text>', 'the prompt, instead of words')
    .option(
      '-f, --file <path>',
      'read the prompt from a file; - is standard input, which else is left alone then',
    )
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
  addGrammarOptions(program);

  program.optionsGroup('Runtime:');
  addEngineOption(program);
  addRuntimeOptions(program, `what the target was trained on; up to ${USUAL_CONTEXT} of text without -n`);
  addLearnOption(program);

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
    .option('--highlight', 'colour what was drafted; on a terminal, strike out what was refused')
    .option('--hide-reasoning', 'only the answer of a model that reasons first')
    .option('--trace <file>', 'write every step as a JSON line');
  addWrapOption(program);
  addTalkOptions(program);
  program.addHelpText('after', `\n${commandList(commands)}\n${EXAMPLES}`);
  return program;
}

/** `mtad generate`: prompt in, text out, figures aside. @returns the exit code */
async function runGenerate(
  io: Io,
  words: readonly string[],
  flags: GenerateFlags,
  program: Command,
  commands: Commands,
): Promise<number> {
  const sources = { words, prompt: flags.prompt, file: flags.file, stdin: flags.stdin };
  checkSources(sources, io);
  if (!hasPrompt(sources, io)) {
    if (!io.isTyped) throw new UsageError('No prompt: give it as words, with --file, or on standard input');
    io.stderr.write(firstSteps(commands));
    return EXIT.usage;
  }
  checkOutputs(outputsOf(flags), inputFiles(flags, io));
  const settings = parseSettings(settingsFor(flags, io));
  const { attended } = await import('../attended.js');
  const { url } = flags;
  if (url === undefined)
    return attended(io, flags, (interrupts, progress) =>
      loadAndWrite(io, sources, flags, settings, interrupts, progress),
    );
  const { writeFromServer } = await import('../served/write-served.js');
  return attended(io, flags, (interrupts, progress) =>
    writeFromServer(io, sources, { ...flags, url }, settings, program, { interrupts, progress }),
  );
}

async function loadAndWrite(
  io: Io,
  sources: PromptSources,
  flags: GenerateFlags,
  asked: Settings,
  interrupts: Interrupts,
  progress: Progress,
): Promise<number> {
  const { signal } = interrupts;
  const say = (line: string) => {
    progress.stop();
    if (!flags.quiet) io.say(line);
  };
  const options: PairOptions = {
    ...pairOptionsOf(flags, io),
    engine: flags.engine,
    grammar: asked.grammar,
    needsDraft: usesDraftModel(asked),
    signal,
    ...downloadReports(io, flags, progress),
  };
  const { findPair, loadPair } = await import('../../models/pair.js'); // half a second, so not before it is needed
  const files = await findPair(options); // before a long standard input is read in vain
  withDraftSource(asked, files); // which refuses what the files cannot do
  const template = await promptTemplate(flags, asked, files.target, say);
  const words = await readPrompt(sources, io, signal, say);
  if (words === '') throw new UsageError('The prompt is empty');
  const { promptOf } = await import('../../generation/generate.js');
  const prompt = promptOf(words, { inTemplate: template !== undefined, system: flags.system });

  const started = performance.now();
  progress.loading('Loading models');
  const pair = await loadPair(options, files);
  try {
    const loadMs = performance.now() - started;
    warn(flags, files, template, flags.system, say);
    const settings = withDraftSource(asked, modelsOf(pair));
    const notice = draftNotice(asked, settings, files);
    if (notice !== undefined && !flags.json && !flags.jsonl) say(notice);
    const { writeText } = await import('../write-text.js');
    return await writeText(io, pair, prompt, template, flags, settings, { loadMs, interrupts, progress });
  } finally {
    await pair.dispose();
  }
}

function outputsOf(flags: GenerateFlags): string[] {
  return [flags.output, flags.trace].filter((path) => path !== undefined);
}

function hasPrompt({ words, prompt, file, stdin }: PromptSources, io: Io): boolean {
  return words.length > 0 || prompt !== undefined || file !== undefined || (stdin && io.isFed);
}

function settingsFor(flags: GenerateFlags, io: Io): SettingsInput {
  const measured = flags.json || flags.jsonl || flags.trace ? ('auto' as const) : false;
  return {
    ...settingsOf(flags),
    ...(flags.url === undefined ? templateChoiceOf(flags, io) : { think: flags.think }), // a template is that of the server
    perplexity: flags.perplexity ?? measured,
    grammar: readGrammar(flags, (line) => {
      if (!flags.quiet) io.say(line);
    }),
  };
}
