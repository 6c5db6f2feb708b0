import { existsSync, statSync } from 'node:fs';
import { basename } from 'node:path';
import { performance } from 'node:perf_hooks';
import { Command } from 'commander';
import { UsageError } from '../../errors.js';
import { bytesText } from '../../models/bytes-text.js';
import type { CorpusText } from '../../models/replace-corpus.js';
import { EXIT } from '../failures.js';
import type { Io } from '../io.js';
import { modelsDirOption } from '../model-options.js';
import { answerErrors } from '../program-options.js';
import { downloadReports } from '../render/downloads.js';
import { checkOutputs } from '../render/sink.js';

/** What Commander makes of the options. Undefined = not given. */
interface LearnFlags {
  for?: string;
  output?: string;
  append?: boolean;
  modelsDir?: string;
  offline?: boolean;
  quiet?: boolean;
  verbose?: boolean;
}

const EXAMPLES = `
Texts are plain text, Markdown, code, and JSON lines with "text", "prompt", "content", "messages" and the like (each line is
a text). A line <|endoftext|> stands between texts. Hidden files are left out; what is no text is named and left out.

Examples:
  mtad learn notes/ letters/ --for llama-8b-q4.gguf -o notes.corpus
  mtad learn answers.jsonl --for llama-8b-q4.gguf -o notes.corpus --append
  mtad -m llama-8b-q4.gguf --draft notes.corpus "The sea"`;

export function createLearn(io: Io): Command {
  const program = new Command('mtad learn')
    .usage('[options] <files or folders...>')
    .description(
      'Make a corpus of your texts: --draft <corpus> then guesses as they go on. No model is trained, and no pass is needed.',
    )
    .argument('[paths...]')
    .action(async (paths: string[], flags: LearnFlags) => {
      io.exitCode = await runLearn(io, paths, flags);
    });
  answerErrors(program, io, '(mtad learn --help lists the options)');
  return program
    .option('--for <model>', 'the target model whose tokens it is for, as --model names it')
    .option('-o, --output <file>', 'the corpus; its name ends in .corpus')
    .option('--append', 'add the texts to those that are in it')
    .addOption(modelsDirOption(io))
    .option('--offline', 'never use the network')
    .option('-q, --quiet', 'no progress, no notices')
    .option('-v, --verbose', "llama.cpp's log, and errors in full")
    .addHelpText('after', EXAMPLES);
}

/** `mtad learn`: texts in, a corpus out. @returns the exit code: 1 where a text was left out */
async function runLearn(io: Io, paths: readonly string[], flags: LearnFlags): Promise<number> {
  const output = outputOf(paths, flags);
  const { isCorpus, readSortedTokens, readCorpusFacts, checkCorpus, vocabularyHash } = await import(
    '../../models/corpus-file.js'
  );
  if (existsSync(output) && !(await isCorpus(output)))
    throw new UsageError(`${output} is there and is no corpus: choose another name`);
  const { attended } = await import('../attended.js');
  return attended(io, flags, async ({ signal }, progress) => {
    const { loadPair, findPair } = await import('../../models/pair.js'); // half a second, so not before it is needed
    const { learn, MOST_TOKENS } = await import('../../learning/learn.js');
    const { grown } = await import('../../drafting/grow-corpus.js');
    const { replaceCorpus } = await import('../../models/replace-corpus.js');
    const { sourcesIn } = await import('../../learning/texts.js');
    let skipped = 0;
    const skip = (path: string, why: string) => {
      skipped += 1;
      progress.stop();
      if (!flags.quiet) io.say(`left out ${path}: ${why}`);
    };
    const log = flags.verbose ? (line: string) => io.log(line) : undefined;
    const { for: model, modelsDir, offline } = flags;
    const reports = downloadReports(io, flags, progress);
    const options = {
      model,
      modelsDir,
      offline,
      needsDraft: false,
      gpu: 'off' as const,
      signal,
      log,
      ...reports,
    };
    const files = await findPair(options);
    const { vocabulary } = files.target;
    /** What the texts are added to: asked before they are read, so that it is refused early, and again when they are written. */
    const earlierFacts = async () => {
      const facts = flags.append && existsSync(output) ? await readCorpusFacts(output) : undefined;
      if (facts) checkCorpus(facts, files.target);
      return facts;
    };
    const isAdded = (await earlierFacts()) !== undefined;
    const sources = await sourcesIn(paths, skip);
    const total = sources.reduce((sum, { bytes }) => sum + bytes, 0);
    progress.loading('Loading the model');
    const pair = await loadPair(options, files);
    const started = performance.now();
    try {
      const { tokenizer } = pair.target;
      const onRead = (bytes: number) => progress.learning(bytes, total);
      const learned = await learn(sources, { tokenizer, vocabulary, signal, onRead, skip });
      if (learned.tokens.length === 0 && !isAdded) throw new UsageError('There is no text in what was given');
      const about = { vocabulary: vocabularyHash(vocabulary), model: basename(files.target.path) };
      const mode = statSync(output, { throwIfNoEntry: false })?.mode; // what was private stays so
      let [tokens, texts] = [0, 0];
      const make = async (): Promise<CorpusText> => {
        const facts = await earlierFacts();
        const all = facts ? grown(await readSortedTokens(output), learned.tokens, MOST_TOKENS) : learned;
        [tokens, texts] = [all.tokens.length, (facts?.texts ?? 0) + learned.texts];
        return { tokens: all.tokens, order: all.order, about: { ...about, texts } };
      };
      await replaceCorpus(output, make, mode && mode & 0o777);
      progress.stop();
      const seconds = (performance.now() - started) / 1000;
      const pace = total > 0 ? `, ${(seconds / (total / 1e6)).toFixed(2)} s per MB` : '';
      if (!flags.quiet)
        io.say(
          `${output}: ${tokens} tokens in ${texts} texts; read ${bytesText(total)} in ${seconds.toFixed(1)} s${pace}`,
        );
      return skipped > 0 ? EXIT.failure : EXIT.ok;
    } finally {
      await pair.dispose();
    }
  });
}

/** @throws UsageError */
function outputOf(paths: readonly string[], { output }: LearnFlags): string {
  if (paths.length === 0) throw new UsageError('What to learn? Give files or folders with texts');
  if (output === undefined) throw new UsageError('Where to? Name the corpus with --output notes.corpus');
  if (!output.endsWith('.corpus'))
    throw new UsageError(`${output} must end in .corpus, by which --draft tells it from a model`);
  checkOutputs([output], paths);
  return output;
}
