import { performance } from 'node:perf_hooks';
import { UsageError } from '../../errors.js';
import { type GenerationResult, generate, type RunOptions } from '../../generation/generate.js';
import { parseSettings, type Settings } from '../../generation/settings.js';
import type { Pair, PairOptions } from '../../models/pair.js';
import { type StrategyName, sequencesOf } from '../../strategies/index.js';
import { attended } from '../attended.js';
import { EXIT } from '../failures.js';
import type { Interrupts } from '../interrupts.js';
import { draftFile, draftSource, pairOptionsOf, type RuntimeFlags, runOptionsOf } from '../options.js';
import { checkSources, type PromptSources, readPrompt, stdinIsRedirected } from '../prompt.js';
import { colorsFor } from '../render/colors.js';
import { downloadReports } from '../render/downloads.js';
import type { Run } from '../render/json.js';
import { Output } from '../render/output.js';
import { jsonLinesPrinter, jsonPrinter, type Printer, plainPrinter } from '../render/printers.js';
import type { Progress } from '../render/progress.js';
import { checkOutputs } from '../render/sink.js';
import { statsText } from '../render/stats.js';

/** What Commander makes of the options. Undefined = not given. */
export interface GenerateFlags extends RuntimeFlags {
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
  engine: NonNullable<PairOptions['engine']>;
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
  checkOutputs(outputsOf(flags), [flags.model, draftFile(flags), flags.file].filter(isGiven));
  const settings = parseSettings(settingsOf(flags));
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
  const say = (line: string) => {
    if (!flags.quiet) process.stderr.write(`mtad: ${line}\n`);
  };
  const options: PairOptions = {
    ...pairOptionsOf(flags),
    engine: flags.engine,
    needsDraft: sequencesOf(settings).draft > 0,
    signal,
    ...downloadReports(flags, progress),
  };
  const { findPair, loadPair } = await import('../../models/pair.js'); // half a second, so not before it is needed
  const files = await findPair(options); // before a long standard input is read in vain
  const trained = files.target.trainContextSize;
  if (trained > 0 && flags.ctxSize !== undefined && flags.ctxSize > trained)
    say(
      `warning: --ctx-size ${flags.ctxSize} is more than the ${trained} tokens that the target was trained on`,
    );
  const prompt = await readPrompt(sources, signal, say);
  if (prompt === '') throw new UsageError('The prompt is empty');

  const started = performance.now();
  progress.loading('Loading models');
  const pair = await loadPair(options, files);
  try {
    const loadMs = performance.now() - started;
    return await write(pair, prompt, flags, settings, { loadMs, interrupts, progress });
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
        run = { pair, settings: effective, runtime, promptTokens: promptTokens.length, loadMs };
      }
      if (event.type === 'prefill') progress.prefill(event.done, event.total);
      if (event.type === 'text' || event.type === 'end') progress.stop();
      if (event.type === 'end') result = event.result;
      await output.take(event, run!);
    }
  } catch (error) {
    output.rescue();
    throw error;
  }
  await output.finish();

  if (output.readerLeft) return EXIT.ok;
  if ((flags.stats ?? process.stderr.isTTY) && !flags.quiet)
    process.stderr.write(statsText(run!, result!, colorsFor(flags.color, process.stderr.isTTY)));
  return result!.finishReason === 'interrupted' ? interrupts.exitCode! : EXIT.ok;
}

function fileOf({ output }: GenerateFlags): string | undefined {
  return output === '-' ? undefined : output;
}

function outputsOf(flags: GenerateFlags): string[] {
  return [fileOf(flags), flags.trace].filter(isGiven);
}

function isGiven<T>(value: T | undefined): value is T {
  return value !== undefined;
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
    draftFrom: draftSource(flags),
    perplexity: flags.perplexity ?? (flags.json || flags.jsonl || flags.trace ? ('auto' as const) : false),
  };
}

function printerFor(flags: GenerateFlags): Printer {
  if (flags.json) return jsonPrinter;
  if (flags.jsonl) return jsonLinesPrinter;
  const onTerminal = fileOf(flags) === undefined && process.stdout.isTTY;
  const highlight = flags.highlight ? colorsFor(flags.color, onTerminal) : undefined;
  return plainPrinter({ stream: flags.stream, onTerminal, highlight });
}

function pick<T extends object, K extends keyof T>(from: T, ...keys: K[]): Pick<T, K> {
  return Object.fromEntries(keys.map((key) => [key, from[key]])) as Pick<T, K>;
}
