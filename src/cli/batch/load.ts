import { performance } from 'node:perf_hooks';
import { UsageError } from '../../errors.js';
import { modelsOf, withDraftSource } from '../../generation/draft-source.js';
import { parseSettings } from '../../generation/parse-settings.js';
import { type SettingsInput, UNLIMITED } from '../../generation/settings.js';
import type { PairOptions } from '../../models/pair.js';
import type { DecodingFlags } from '../decoding-options.js';
import { draftNotice } from '../draft-notice.js';
import { sayingDriftOnce } from '../drift-notice.js';
import { EXIT } from '../failures.js';
import type { GrammarFlags } from '../grammar-file.js';
import type { Interrupts } from '../interrupts.js';
import type { Io } from '../io.js';
import { draftSources } from '../model-options.js';
import { type PlaceFlags, promptTemplate } from '../prompt-template.js';
import { downloadReports } from '../render/downloads.js';
import type { Progress } from '../render/progress.js';
import { pairOptionsOf, type RuntimeFlags, runOptionsOf } from '../runtime-options.js';
import type { TemplateFlags } from '../template-options.js';
import { warn } from '../warnings.js';
import type { Inputs } from './inputs.js';
import type { Results } from './results.js';
import type { Tally } from './run.js';

/** What Commander makes of the options. Undefined = not given. */
export interface BatchFlags
  extends RuntimeFlags,
    DecodingFlags,
    GrammarFlags,
    TemplateFlags,
    Omit<PlaceFlags, 'chat'> {
  file: readonly string[];
  /** While the command line was read. */
  filesRead?: readonly string[];
  output?: string | undefined;
  outDir?: string;
  resume?: boolean;
  hideReasoning?: boolean;
  quiet?: boolean;
  engine: NonNullable<PairOptions['engine']>;
}

/** Finds and loads what a run needs, carries it out and says what became of it. @returns the exit code */
export async function loadAndRun(
  io: Io,
  words: readonly string[],
  flags: BatchFlags,
  settings: SettingsInput,
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
    grammar: settings.grammar,
    needsDraft: needsDraft(flags),
    signal,
    ...downloadReports(io, flags, progress),
  };
  const { findPair, loadPair } = await import('../../models/pair.js'); // half a second, so not before it is needed
  const files = await findPair(options);
  const template = await promptTemplate(flags, parseSettings(settings), files.target, say);
  const inputs = await inputsOf(io, words, flags, signal, say);
  const results = await resultsOf(io, inputs, flags, say);
  progress.loading('Loading models');
  const pair = await loadPair(options, files);
  const { Series } = await import('../../generation/generate.js');
  const { runBatch } = await import('./run.js');
  const series = new Series(pair, { ...runOptionsOf(flags, io), signal });
  try {
    progress.stop();
    warn(flags, files, template, flags.system, say);
    const ofRun = parseSettings(settings);
    const notice = draftNotice(ofRun, withDraftSource(ofRun, modelsOf(pair)), files);
    if (notice !== undefined) say(notice);
    const manner = { inTemplate: template !== undefined, system: flags.system };
    const started = performance.now();
    const onText = sayingDriftOnce(pair.history, say);
    const tally = await runBatch({ inputs, manner, series, settings, results, progress, onText, signal });
    if (interrupts.exitCode === undefined && results.isClosed) return EXIT.ok;
    tell(tally, inputs, performance.now() - started, flags, interrupts, io);
    return interrupts.exitCode ?? (tally.failed > 0 ? EXIT.failure : EXIT.ok);
  } finally {
    await series.dispose();
    await pair.dispose();
  }
}

/** Lines may have other strategies than the run: a draft model that is named is loaded, whatever the strategy. */
function needsDraft(flags: BatchFlags): boolean {
  const sources = draftSources(flags);
  return sources.length === 0 || sources.some((source) => source === 'model' || source === 'auto');
}

async function inputsOf(
  io: Io,
  words: readonly string[],
  { file }: BatchFlags,
  signal: AbortSignal,
  say: (line: string) => void,
): Promise<Inputs> {
  const { filesOf, linesOf } = await import('./inputs.js');
  if (file.length === 0) return linesOf(words[0] ?? '-', io, signal);
  const instruction = words.join(' ');
  const { readStdin } = await import('../prompt.js');
  const isNamed = instruction.includes('{stdin}');
  if (isNamed && !io.isFed)
    throw new UsageError('The words have a place for standard input, {stdin}, but nothing is piped in');
  return filesOf(file, instruction, isNamed ? await readStdin(io, true, signal, say) : undefined);
}

async function resultsOf(
  io: Io,
  { files }: Inputs,
  { output, outDir, resume = false, hideReasoning = false }: BatchFlags,
  say: (line: string) => void,
): Promise<Results> {
  if (outDir !== undefined) {
    const { TextFiles } = await import('./text-files.js');
    return TextFiles.open(outDir, files, { resume, hideReasoning, say });
  }
  const { LinesFile, PrintedLines } = await import('./json-lines.js');
  if (output === undefined) return new PrintedLines(io.stdout, hideReasoning);
  return LinesFile.open(output, { resume, hideReasoning });
}

/** Says what became of the inputs. */
function tell(
  { done, earlier, failed, firstFailure, cut, tokens }: Tally,
  { total }: Inputs,
  ms: number,
  { quiet, resume, output, outDir, maxTokens }: BatchFlags,
  interrupts: Interrupts,
  io: Io,
): void {
  const all = total === undefined ? '' : ` of ${total}`;
  if (interrupts.exitCode !== undefined) {
    const kept = output ?? outDir;
    const advice = kept === undefined ? '' : `; --resume does the rest`;
    io.say(`interrupted: ${done}${all} texts are written${advice}`);
  }
  if (failed > 0)
    io.say(
      failed === 1 && all === ''
        ? `1 input failed: ${firstFailure}`
        : `${failed}${all} inputs failed; the first: ${firstFailure}`,
    );
  if (quiet) return;
  const limit = maxTokens === UNLIMITED ? '' : `--max-tokens ${maxTokens} or `;
  if (cut > 0) io.say(`${cut} texts were cut, by ${limit}a full context`);
  if (resume && earlier > 0) io.say(`${earlier} texts were there`);
  if (io.isWatched) {
    const seconds = ms / 1000;
    io.say(`${done - earlier} texts, ${tokens} tokens in ${seconds.toFixed(1)} s`);
  }
}
