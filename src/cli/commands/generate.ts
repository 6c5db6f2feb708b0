import { basename } from 'node:path';
import { performance } from 'node:perf_hooks';
import { UsageError } from '../../errors.js';
import type { GenerationResult } from '../../generation/events.js';
import { withoutReasoning } from '../../generation/events.js';
import { generate, type Prompt, promptOf } from '../../generation/generate.js';
import { refuseWithoutChatTemplate } from '../../generation/require-chat-template.js';
import type { RunOptions } from '../../generation/run-options.js';
import { parseSettings, type Settings, type SettingsInput } from '../../generation/settings.js';
import type { Pair, PairFiles, PairOptions } from '../../models/pair.js';
import { sequencesOf } from '../../strategies/index.js';
import type { OpenTemplate } from '../../templates/open-template.js';
import { answerOf } from '../../text/reasoning.js';
import type { FinishReason } from '../../types.js';
import { attended } from '../attended.js';
import { cutNotice } from '../cut-notice.js';
import { type DecodingFlags, settingsOf } from '../decoding-options.js';
import { EXIT } from '../failures.js';
import { type GrammarFlags, readGrammar } from '../grammar-file.js';
import { inputFiles } from '../input-files.js';
import type { Interrupts } from '../interrupts.js';
import { pairOptionsOf, type RuntimeFlags, runOptionsOf } from '../options.js';
import { checkSources, type PromptSources, readPrompt, stdinIsRedirected } from '../prompt.js';
import { colorsFor } from '../render/colors.js';
import { downloadReports } from '../render/downloads.js';
import type { Run } from '../render/json.js';
import { Output } from '../render/output.js';
import { jsonLinesPrinter, jsonPrinter, type Printer, plainPrinter } from '../render/printers.js';
import type { Progress } from '../render/progress.js';
import { checkOutputs } from '../render/sink.js';
import { statsText } from '../render/stats.js';
import { type TemplateFlags, templateChoiceOf } from '../template-options.js';
import { warn } from '../warnings.js';

/** What Commander makes of the options. Undefined = not given. */
export interface GenerateFlags extends RuntimeFlags, DecodingFlags, GrammarFlags, TemplateFlags {
  prompt?: string;
  file?: string;
  stdin: boolean;
  system?: string;
  systemFrom?: string | undefined; // where it is from, unless a flag gave it
  filesRead?: readonly string[]; // while the command line was read
  chat?: boolean;
  raw?: boolean;
  engine: NonNullable<PairOptions['engine']>;
  json?: boolean;
  jsonl?: boolean;
  output?: string;
  stream: boolean;
  stats?: boolean;
  perplexity?: boolean;
  highlight?: boolean;
  hideReasoning?: boolean;
  trace?: string;
  color: 'auto' | 'always' | 'never';
  quiet?: boolean;
}

/** `mtad generate`: prompt in, text out, figures aside. @returns the exit code */
export async function runGenerate(
  words: readonly string[],
  flags: GenerateFlags,
  help: () => string,
): Promise<number> {
  const sources = { words, prompt: flags.prompt, file: flags.file, stdin: flags.stdin };
  checkSources(sources);
  if (!hasPrompt(sources)) {
    if (!process.stdin.isTTY)
      throw new UsageError('No prompt: give it as words, with --file, or on standard input');
    process.stderr.write(help());
    return EXIT.usage;
  }
  checkOutputs(outputsOf(flags), inputFiles(flags));
  const settings = parseSettings(settingsFor(flags));
  return attended(flags, (interrupts, progress) =>
    loadAndWrite(sources, flags, settings, interrupts, progress),
  );
}

async function loadAndWrite(
  sources: PromptSources,
  flags: GenerateFlags,
  settings: Settings,
  interrupts: Interrupts,
  progress: Progress,
): Promise<number> {
  const { signal } = interrupts;
  const sayLine = sayer(flags);
  const say = (line: string) => {
    progress.stop();
    sayLine(line);
  };
  const options: PairOptions = {
    ...pairOptionsOf(flags),
    engine: flags.engine,
    grammar: settings.grammar,
    needsDraft: sequencesOf(settings).draft > 0,
    signal,
    ...downloadReports(flags, progress),
  };
  const { findPair, loadPair } = await import('../../models/pair.js'); // half a second, so not before it is needed
  const files = await findPair(options); // before a long standard input is read in vain
  const template = await templateFor(flags, settings, files.target, say);
  const words = await readPrompt(sources, signal, say);
  if (words === '') throw new UsageError('The prompt is empty');
  const prompt = promptOf(words, { inTemplate: template !== undefined, system: flags.system });

  const started = performance.now();
  progress.loading('Loading models');
  const pair = await loadPair(options, files);
  try {
    const loadMs = performance.now() - started;
    warn(flags, files, template, flags.system, say);
    return await write(pair, prompt, template, flags, settings, { loadMs, interrupts, progress });
  } finally {
    await pair.dispose();
  }
}

async function write(
  pair: Pair,
  prompt: Prompt,
  template: OpenTemplate | undefined,
  flags: GenerateFlags,
  settings: Settings,
  { loadMs, interrupts, progress }: { loadMs: number; interrupts: Interrupts; progress: Progress },
): Promise<number> {
  const output = new Output({
    printer: printerFor(flags),
    output: fileOf(flags),
    trace: flags.trace,
    onLoss: () => interrupts.abort(),
  });
  const runOptions: RunOptions = { ...runOptionsOf(flags), signal: interrupts.signal };
  let run: Run | undefined;
  let result: GenerationResult | undefined;
  try {
    for await (const event of generate(pair, prompt, settings, runOptions)) {
      if (event.type === 'start') {
        const { settings: effective, contextSize, promptTokens } = event;
        const runtime = { ...flags, contextSize };
        run = { pair, template, settings: effective, runtime, promptTokens: promptTokens.length, loadMs };
      }
      if (event.type === 'prefill') progress.prefill(event.done, event.total);
      if (event.type === 'text' || event.type === 'end') progress.stop();
      if (event.type === 'end') result = event.result;
      await output.take(flags.hideReasoning ? withoutReasoning(event) : event, run!);
    }
  } catch (error) {
    output.rescue();
    throw error;
  }
  await output.finish();

  if (output.readerLeft) return interrupts.exitCode ?? EXIT.ok;
  const limits = { ...run!.settings, contextSize: run!.runtime.contextSize };
  const notice = whatIsUndone(result!, run!.settings, flags) ?? cutNotice(result!, limits);
  if (notice !== undefined) sayer(flags)(notice);
  if ((flags.stats ?? process.stderr.isTTY) && !flags.quiet)
    process.stderr.write(statsText(run!, result!, colorsFor(flags.color, process.stderr.isTTY)));
  return result!.finishReason === 'interrupted' ? interrupts.exitCode! : EXIT.ok;
}

/** What to do about an early end. */
const REMEDIES: Partial<Record<FinishReason, string>> = {
  length: 'raise --max-tokens',
  context: 'raise --ctx-size',
  stop: 'choose another --stop',
};

/** What an early end has left undone where less came than was asked for. */
function whatIsUndone(
  result: GenerationResult,
  { stop }: Settings,
  { hideReasoning }: GenerateFlags,
): string | undefined {
  const { finishReason, reasoning, grammarComplete } = result;
  if (finishReason === 'interrupted') return undefined;
  const isOfTemplate = finishReason === 'stop' && stop.length === 0;
  const remedy = isOfTemplate || !REMEDIES[finishReason] ? '' : `; ${REMEDIES[finishReason]}`;
  if (hideReasoning && reasoning && answerOf(result) === '')
    return `the text ended before there was an answer${remedy}`;
  return grammarComplete === false ? `the text ended before the grammar was complete${remedy}` : undefined;
}

function sayer({ quiet }: GenerateFlags): (line: string) => void {
  return (line) => {
    if (!quiet) process.stderr.write(`mtad: ${line}\n`);
  };
}

/**
 * The template that the prompt is put into, tried before the model is loaded; undefined = none.
 * @throws UsageError for one that cannot be rendered, and for flags that need one; a system text that is set for all models
 *   is passed over instead
 */
async function templateFor(
  { raw, chat, system, systemFrom }: GenerateFlags,
  settings: Settings,
  target: PairFiles['target'],
  say: (line: string) => void,
): Promise<OpenTemplate | undefined> {
  if (raw) return undefined;
  const { openTemplate } = await import('../../templates/open-template.js');
  const template = await openTemplate(target.template, settings);
  if (template || (!chat && system === undefined)) return template;
  if (chat || systemFrom === undefined) refuseWithoutChatTemplate(target, settings);
  say(`the system text of ${systemFrom} is not used: ${basename(target.path)} has no chat template`);
  return undefined;
}

function fileOf({ output }: GenerateFlags): string | undefined {
  return output === '-' ? undefined : output;
}

function outputsOf(flags: GenerateFlags): string[] {
  return [fileOf(flags), flags.trace].filter((path) => path !== undefined);
}

function hasPrompt({ words, prompt, file, stdin }: PromptSources): boolean {
  return words.length > 0 || prompt !== undefined || file !== undefined || (stdin && stdinIsRedirected());
}

function settingsFor(flags: GenerateFlags): SettingsInput {
  const measured = flags.json || flags.jsonl || flags.trace ? ('auto' as const) : false;
  return {
    ...settingsOf(flags),
    ...templateChoiceOf(flags),
    perplexity: flags.perplexity ?? measured,
    grammar: readGrammar(flags, sayer(flags)),
  };
}

function printerFor(flags: GenerateFlags): Printer {
  if (flags.json) return jsonPrinter;
  if (flags.jsonl) return jsonLinesPrinter;
  const onTerminal = fileOf(flags) === undefined && process.stdout.isTTY;
  const highlight = flags.highlight ? colorsFor(flags.color, onTerminal) : undefined;
  return plainPrinter({ stream: flags.stream, onTerminal, highlight });
}
