import { Command, Option } from 'commander';
import { UsageError } from '../../errors.js';
import { SHARED_SETTINGS } from '../../generation/setting-names.js';
import { ownProfile } from '../../tuning/profile-file.js';
import { profilesFolder } from '../../user-folders.js';
import { BUILT_IN_LIMIT } from '../benchmark/flags.js';
import { EXIT } from '../failures.js';
import { inputFiles } from '../input-files.js';
import type { Io } from '../io.js';
import { addModelOptions, draftChains } from '../model-options.js';
import { whole } from '../option-kinds.js';
import { addTalkOptions, answerErrors } from '../program-options.js';
import { checkOutputs, Sink } from '../render/sink.js';
import { addDeviceOptions, addEngineOption, pairOptionsOf } from '../runtime-options.js';
import { settingOption } from '../setting-options.js';
import { addTemplateOptions } from '../template-options.js';
import { type TuneFlags, tuneOptionsOf } from '../tune-options.js';

/** Tokens per text. */
const MAX_TOKENS = 128;

const EXAMPLES = `
Passes are measured with 1, 2, 4, … threads, and with the draft model on GPU and processor; plain decoding and three ways of
drafting are recorded on the prompts; 144 settings are replayed on the recorded steps by what passes cost here; the best of two kinds are run beside plain decoding. What is replayed is an estimate, what is
recommended was run. Sources beside the draft model (draft.gguf+notes.corpus) cannot be replayed: the best settings are run with
and without them. Seven texts a prompt, or nine: about half a minute with the pair that comes with mtad.

Examples:
  mtad tune -m llama-8b-q4.gguf -d llama-1b-q4.gguf --save
  mtad tune --prompts questions.jsonl --limit 5 --max-tokens 64
  mtad tune --quality 1.05 --temperature 0.7 --json > found.json
  mtad tune --save pair.json && mtad --profile pair.json "Once upon a time"`;

export function createTune(io: Io): Command {
  const program = new Command('mtad tune')
    .usage('[options]')
    .description(
      'Find the strategy, beam width, threshold, draft length, threads and device that suit a pair of models on this machine.',
    )
    .argument('[words...]')
    .action(async (words: string[], flags: TuneFlags) => {
      refuseWords(words);
      io.exitCode = await runTune(io, flags);
    });
  answerErrors(program, io, '(mtad tune --help lists the options)');

  addModelOptions(program, io);

  program.optionsGroup('What is good:');
  program.addOption(
    settingOption('quality', {
      help: 'perplexity at most so many times that of plain sampling (default: 1)',
    }),
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
    .addOption(settingOption('seed', { help: 'of the first text of each setting' }).default(1));
  for (const name of SHARED_SETTINGS)
    program.addOption(name === 'maxTokens' ? settingOption(name).default(MAX_TOKENS) : settingOption(name));

  program.optionsGroup('Runtime:');
  addEngineOption(program);
  addDeviceOptions(program);

  program.optionsGroup('Output:');
  program
    .option('--json', 'one JSON object')
    .addOption(
      new Option(
        '--save [file]',
        'keep a profile: in a file for --profile, or where generate, chat, batch, serve and benchmark find it for these models',
      ),
    );
  addTalkOptions(program, 'no progress, no warnings');
  program.addHelpText('after', EXAMPLES);
  return program;
}

/** @throws UsageError for what people type who take this for `generate` */
function refuseWords([word]: readonly string[]): void {
  if (word !== undefined)
    throw new UsageError(
      `tune takes no words such as ${JSON.stringify(word)}: prompts come from --prompts <file>`,
    );
}

/** @throws UsageError for drafts without a draft model */
function refuseOtherSources(flags: TuneFlags): void {
  for (const { draftFrom } of draftChains(flags))
    if (draftFrom === 'lookup' || draftFrom === 'corpus')
      throw new UsageError(
        `mtad tune weighs a draft model, and --draft ${draftFrom} needs no tuning: leave it out`,
      );
}

/** `mtad tune`: what suits a pair. @returns the exit code */
async function runTune(io: Io, flags: TuneFlags): Promise<number> {
  const { save, quiet } = flags;
  refuseOtherSources(flags);
  if (typeof save === 'string') checkOutputs([save], inputFiles(flags, io));
  const options = await tuneOptionsOf(io, flags); // unattended: Ctrl-C ends a wait for standard input
  const { attended } = await import('../attended.js');
  return attended(io, flags, async (interrupts, progress) => {
    const { signal } = interrupts;
    const { loadPair } = await import('../../models/pair.js'); // half a second, so not before it is needed
    const { tune } = await import('../../tune/tune.js');
    const { downloadReports } = await import('../render/downloads.js');
    progress.loading('Loading models');
    const pair = await loadPair({
      ...pairOptionsOf(flags, io),
      ...downloadReports(io, flags, progress),
      engine: flags.engine,
      signal,
    });
    try {
      for (const note of pair.notes) if (!quiet) io.say(`warning: ${note}`);
      for await (const event of tune(pair, { ...options, signal })) {
        if (event.type === 'text') progress.texts(event.done, event.total);
        if (event.type !== 'end') continue;
        progress.stop();
        const path = save === true ? ownPath(io, event.profile.pair!) : save;
        if (path !== undefined)
          await (await import('../../tuning/profile-file.js')).writeProfile(path, event.profile);
        const { tuneJson, tuneTable } = await import('../render/tune-table.js');
        const stdout = new Sink(io.stdout);
        await stdout.write(
          flags.json
            ? tuneJson(event.report, path ?? null)
            : tuneTable(event.report, path ?? null, io.colors(flags.color, io.stdout), io.stdout.columns),
        );
        stdout.check();
      }
      return EXIT.ok;
    } finally {
      await pair.dispose();
    }
  });
}

function ownPath(
  { env }: Io,
  {
    target,
    draft,
  }: { readonly target: { readonly path: string }; readonly draft: { readonly path: string } },
): string {
  return ownProfile(profilesFolder(env), target.path, draft.path);
}
