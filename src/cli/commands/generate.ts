import { performance } from 'node:perf_hooks';
import { UsageError } from '../../errors.js';
import { type GenerationResult, generate } from '../../generation/generate.js';
import { parseSettings, type Settings, strategyOptions } from '../../generation/settings.js';
import { traceStart, traceStep } from '../../generation/trace.js';
import { findPair, loadPair, type Pair, type PairOptions } from '../../models/pair.js';
import { draftSequences, type StrategyName } from '../../strategies/index.js';
import { EXIT } from '../failures.js';
import { Interrupts } from '../interrupts.js';
import { checkSources, type PromptSources, readPrompt, stdinIsRedirected } from '../prompt.js';
import { colorsFor } from '../render/colors.js';
import { paramsJson, type Run } from '../render/json.js';
import { jsonLinesPrinter, jsonPrinter, type Printer, plainPrinter } from '../render/printers.js';
import { Progress } from '../render/progress.js';
import { checkWritable, Sink } from '../render/sink.js';
import { statsText } from '../render/stats.js';

/** What Commander makes of the options. Undefined = not given. */
export interface GenerateFlags {
  model?: string;
  draft?: string;
  modelsDir?: string;
  prompt?: string;
  file?: string;
  stdin: boolean;
  strategy: StrategyName;
  draftLength: number;
  beamWidth: number;
  threshold: number;
  clip?: boolean;
  temperature: number;
  topK: number;
  topP: number;
  seed?: number;
  maxTokens: number;
  stop: string[];
  ignoreEos?: boolean;
  ctxSize?: number;
  threads?: number;
  gpu: NonNullable<PairOptions['gpu']>;
  gpuLayers?: number;
  draftGpuLayers?: number;
  json?: boolean;
  jsonl?: boolean;
  output?: string;
  stream: boolean;
  stats?: boolean;
  perplexity?: boolean;
  highlight?: boolean;
  trace?: string;
  color: 'auto' | 'always' | 'never';
  quiet?: boolean;
  verbose?: boolean;
}

/** `mtad generate`: prompt in, text out, figures aside. Sets `process.exitCode` where it ends early. */
export async function runGenerate(
  words: readonly string[],
  flags: GenerateFlags,
  help: () => string,
): Promise<void> {
  const sources = { words, prompt: flags.prompt, file: flags.file, stdin: flags.stdin };
  checkSources(sources);
  if (!hasPrompt(sources)) {
    process.stderr.write(
      process.stdin.isTTY ? help() : 'mtad: no prompt: give it as words, with --file, or on standard input\n',
    );
    process.exitCode = EXIT.usage;
    return;
  }
  for (const path of [flags.output, flags.trace]) if (path !== undefined) checkWritable(path);
  const settings = parseSettings(settingsOf(flags));
  const interrupts = new Interrupts();
  const progress = new Progress(process.stderr.isTTY && !flags.quiet);
  try {
    await loadAndWrite(sources, flags, settings, interrupts, progress);
  } catch (error) {
    if (interrupts.exitCode === undefined) throw error;
    process.exitCode = interrupts.exitCode;
  } finally {
    progress.stop();
    interrupts.dispose();
  }
}

async function loadAndWrite(
  sources: PromptSources,
  flags: GenerateFlags,
  settings: Settings,
  interrupts: Interrupts,
  progress: Progress,
): Promise<void> {
  const { signal } = interrupts;
  const say = (line: string) => {
    if (!flags.quiet) process.stderr.write(`mtad: ${line}\n`);
  };
  const options: PairOptions = {
    ...pick(flags, 'model', 'draft', 'modelsDir', 'gpu', 'gpuLayers', 'draftGpuLayers'),
    needsDraft: draftSequences(strategyOptions(settings)) > 0,
    log: flags.verbose ? (line) => process.stderr.write(`${line}\n`) : undefined,
    signal,
  };
  const files = await findPair(options); // before a long standard input is read in vain
  const { trainContextSize } = files.target;
  if (flags.ctxSize !== undefined && flags.ctxSize > trainContextSize)
    say(
      `warning: --ctx-size ${flags.ctxSize} is more than the ${trainContextSize} tokens that the target was trained on`,
    );
  const prompt = await readPrompt(sources, signal, say);
  if (prompt === '') throw new UsageError('The prompt is empty');

  const started = performance.now();
  progress.loading('Loading models');
  const pair = await loadPair(options, files);
  try {
    await write(pair, prompt, flags, settings, { loadMs: performance.now() - started, interrupts, progress });
  } finally {
    await pair.dispose();
  }
}

async function write(
  pair: Pair,
  prompt: string,
  flags: GenerateFlags,
  settings: Settings,
  { loadMs, interrupts, progress }: { loadMs: number; interrupts: Interrupts; progress: Progress },
): Promise<void> {
  const toStop = () => interrupts.abort();
  const sink = flags.output === undefined ? Sink.stdout(toStop) : Sink.file(flags.output, toStop);
  const trace = flags.trace === undefined ? undefined : Sink.file(flags.trace, toStop);
  const printer = printerFor(flags);
  let run: Run | undefined;
  let result: GenerationResult | undefined;
  let steps = 0;

  const runOptions = { ...pick(flags, 'threads'), contextSize: flags.ctxSize, signal: interrupts.signal };
  for await (const event of generate(pair, prompt, settings, runOptions)) {
    if (event.type === 'start') {
      const runtime = { ctxSize: flags.ctxSize ?? null, threads: flags.threads ?? null, gpu: flags.gpu };
      run = { pair, settings: event.settings, runtime, promptTokens: event.promptTokens.length, loadMs };
      await trace?.write(jsonLine(traceStart(event.settings.strategy, paramsJson(run), event.promptTokens)));
    }
    if (event.type === 'prefill') progress.prefill(event.done, event.total);
    if (event.type === 'step') await trace?.write(jsonLine(traceStep(event.step, steps++)));
    if (event.type === 'text' || event.type === 'end') progress.stop();
    if (event.type === 'end') result = event.result;
    await sink.write(printer(event, run!));
  }
  await Promise.all([sink.close(), trace?.close()]);

  for (const { failure, path } of [
    { failure: sink.failure, path: flags.output ?? 'standard output' },
    { failure: trace?.failure, path: flags.trace },
  ]) {
    if (!failure || failure.code === 'EPIPE') continue;
    if (path === flags.output) process.stdout.write(result!.text); // nothing that the model wrote is lost
    throw new Error(`Cannot write ${path}: ${failure.message}`, { cause: failure });
  }
  if (sink.failure) return; // the reader has left
  const wantsStats = flags.stats ?? process.stderr.isTTY;
  if (wantsStats && !flags.quiet)
    process.stderr.write(statsText(run!, result!, colorsFor(flags.color, process.stderr.isTTY)));
  if (result!.finishReason === 'interrupted') process.exitCode = interrupts.exitCode;
}

function hasPrompt({ words, prompt, file, stdin }: PromptSources): boolean {
  return words.length > 0 || prompt !== undefined || file !== undefined || (stdin && stdinIsRedirected());
}

function settingsOf(flags: GenerateFlags) {
  return {
    ...pick(
      flags,
      'strategy',
      'beamWidth',
      'clip',
      'temperature',
      'topK',
      'topP',
      'seed',
      'maxTokens',
      'stop',
      'ignoreEos',
    ),
    gamma: flags.draftLength,
    tau: flags.threshold,
    perplexity: flags.perplexity ?? (flags.json || flags.jsonl || flags.trace ? ('auto' as const) : false),
  };
}

function printerFor(flags: GenerateFlags): Printer {
  if (flags.json) return jsonPrinter;
  if (flags.jsonl) return jsonLinesPrinter;
  const onTerminal = flags.output === undefined && process.stdout.isTTY;
  const highlight = flags.highlight ? colorsFor(flags.color, onTerminal) : undefined;
  return plainPrinter({ stream: flags.stream, onTerminal, highlight });
}

function pick<T extends object, K extends keyof T>(from: T, ...keys: K[]): Pick<T, K> {
  return Object.fromEntries(keys.map((key) => [key, from[key]])) as Pick<T, K>;
}

function jsonLine(value: object): string {
  return `${JSON.stringify(value)}\n`;
}
