import { Command } from 'commander';
import snakecaseKeys from 'snakecase-keys';
import { UsageError } from '../../errors.js';
import { bytesText } from '../../models/bytes-text.js';
import { isCorpus, readCorpusFacts } from '../../models/corpus-file.js';
import type { Inspection, InspectOptions } from '../../models/inspect.js';
import { USUAL_CONTEXT } from '../../models/usual-context.js';
import { EXIT } from '../failures.js';
import type { Io } from '../io.js';
import { addModelOptions, draftFile } from '../model-options.js';
import { whole } from '../option-kinds.js';
import { answerErrors, colorOption } from '../program-options.js';
import type { ColorChoice } from '../render/colors.js';
import { downloadReports } from '../render/downloads.js';
import { inspectionJson } from '../render/inspection-json.js';
import { jsonLine } from '../render/json.js';
import { Sink } from '../render/sink.js';
import { cacheTypeOption, gpuOption, type RuntimeFlags } from '../runtime-options.js';
import { settingOption } from '../setting-options.js';

/** What Commander makes of the options. Undefined = not given. */
interface InspectFlags
  extends Pick<RuntimeFlags, 'model' | 'draft' | 'modelsDir' | 'ctxSize' | 'cacheType' | 'gpu'> {
  offline?: boolean;
  draftLength: number | 'auto';
  beamWidth: number;
  json?: boolean;
  color: ColorChoice;
}

const EXAMPLES = `
Examples:
  mtad inspect llama-8b-q4.gguf llama-1b-q4.gguf
  mtad inspect hf:Qwen/Qwen3-8B-GGUF:Q4_K_M                 only the header is fetched
  mtad inspect --pair llama-3.1-8b -c 32768 --cache-type q8_0

Exit codes: 0 they run, if the memory suffices, 2 wrong arguments, 3 a file that does not run, 4 models that do not make a pair.`;

export function createInspect(io: Io): Command {
  const program = new Command('mtad inspect')
    .usage('[options] [target] [draft]')
    .description(
      'Tell the facts of two model files, whether they make a pair, what memory they need and what would run them.\n' +
        'Of files elsewhere, only the headers are fetched. Without models, the pair that comes with mtad.',
    )
    .argument('[target]', 'file, or address: hf:user/repository:quantisation, https://...')
    .argument('[draft]', 'the same, or lookup for none')
    .action(
      async (
        target: string | undefined,
        draft: string | undefined,
        flags: InspectFlags,
        command: Command,
      ) => {
        if (target !== undefined) refuseSecondNames(command);
        io.exitCode = await runInspect(io, [target, draft], flags);
      },
    );
  answerErrors(program, io, '(mtad inspect --help lists the options)');

  addModelOptions(program, io);

  program.optionsGroup('What to reckon the memory for:');
  program
    .addOption(
      whole(
        '-c, --ctx-size <n>',
        `tokens of context (default: what the target was trained on, up to ${USUAL_CONTEXT})`,
        2,
      ),
    )
    .addOption(cacheTypeOption())
    .addOption(settingOption('draftLength'))
    .addOption(settingOption('beamWidth'))
    .addOption(gpuOption());

  program.optionsGroup('Output:');
  program
    .option('--json', 'one object, for machines')
    .addOption(colorOption())
    .option('-v, --verbose', 'errors in full');
  program.addHelpText('after', EXAMPLES);
  return program;
}

/** @throws UsageError for models that are named both in words and by options */
function refuseSecondNames(command: Command): void {
  for (const option of ['model', 'draft', 'pair'])
    if (command.getOptionValueSource(option) === 'cli')
      throw new UsageError(`--${option} names a model a second time: give the models in one way`);
}

/** Characters of a line where no terminal says how many it has. */
const WIDTH = 80;

/**
 * `mtad inspect`: what is to be known before a model is run.
 * @param names target and draft in words, beside which no other models count
 * @returns the exit code: of models that do not run or do not match, that which running them would end with
 */
async function runInspect(
  io: Io,
  names: readonly (string | undefined)[],
  flags: InspectFlags,
): Promise<number> {
  if (names[0] !== undefined && (await isCorpus(names[0]))) return showCorpus(io, names[0], flags);
  const models = modelsOf(names, flags);
  const { attended } = await import('../attended.js');
  return attended(io, {}, async ({ signal }, progress) => {
    progress.loading('Reading headers');
    const { inspect } = await import('../../models/inspect.js');
    const { inspectionText } = await import('../render/inspection-text.js');
    const { onNotice } = downloadReports(io, {}, progress);
    const inspection = await inspect({ ...models, ...optionsOf(flags), signal, onNotice });
    progress.stop();
    const { keptFactLines, keptFactsOf } = await import('../kept-facts.js');
    const known = await keptFactsOf(inspection, io.env);
    const colors = io.colors(flags.color, io.stdout);
    const sink = new Sink(io.stdout);
    await sink.write(
      flags.json
        ? jsonLine(inspectionJson(inspection, known))
        : inspectionText(inspection, keptFactLines(known), colors, io.stdout.columns || WIDTH),
    );
    sink.check();
    return exitCodeFor(inspection);
  });
}

/** Tells the facts of a corpus of `mtad learn`. */
async function showCorpus(io: Io, path: string, { json }: InspectFlags): Promise<number> {
  const facts = await readCorpusFacts(path);
  const { model, tokens, texts, bytes } = facts;
  const sink = new Sink(io.stdout);
  await sink.write(
    json
      ? jsonLine(snakecaseKeys({ ...facts, schema: 1 }))
      : `${path}: a corpus for ${model}, ${tokens} tokens in ${texts} texts, ${bytesText(bytes)} (${(bytes / tokens).toFixed(1)} bytes per token, in memory too)\n`,
  );
  sink.check();
  return EXIT.ok;
}

function modelsOf(
  [target, draft]: readonly (string | undefined)[],
  flags: InspectFlags,
): Pick<InspectOptions, 'model' | 'draft'> {
  const named = target === undefined ? flags : { model: target, draft };
  return { model: named.model, draft: draftFile(named) };
}

function optionsOf(flags: InspectFlags): Omit<InspectOptions, 'model' | 'draft' | 'signal'> {
  const { modelsDir, offline, ctxSize, cacheType, draftLength, beamWidth, gpu } = flags;
  return { modelsDir, offline, contextSize: ctxSize, cacheType, draftLength, beamWidth, gpu };
}

function exitCodeFor({ target, draft, pair }: Inspection): number {
  if (target.refusal !== undefined || draft?.refusal !== undefined) return EXIT.modelFile;
  return pair?.difference === undefined ? EXIT.ok : EXIT.pair;
}
