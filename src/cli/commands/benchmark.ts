import { readFile } from 'node:fs/promises';
import { type Comparison, compare } from '../../benchmark/compare.js';
import type { BenchmarkOptions } from '../../benchmark/options.js';
import { csv } from '../../benchmark/out/csv.js';
import { type EarlierReport, json, parseReport } from '../../benchmark/out/json.js';
import { jsonLastLine, jsonLine, jsonLines } from '../../benchmark/out/jsonl.js';
import { markdown } from '../../benchmark/out/markdown.js';
import type { BenchmarkReport } from '../../benchmark/report.js';
import { UsageError } from '../../errors.js';
import { PLAIN, type StrategyName } from '../../strategies/index.js';
import { attended } from '../attended.js';
import { EXIT } from '../failures.js';
import { inputFiles } from '../input-files.js';
import type { RuntimeFlags } from '../options.js';
import { benchmarkTable } from '../render/benchmark-table.js';
import { colorsFor } from '../render/colors.js';
import { comparisonTable } from '../render/comparison-table.js';
import { downloadReports } from '../render/downloads.js';
import type { Progress } from '../render/progress.js';
import { checkOutputs, checkRoom, Sink } from '../render/sink.js';
import type { TemplateFlags } from '../template-options.js';
import { type Export, exportsOf, writeExports } from './benchmark-exports.js';
import { optionsOf } from './benchmark-options.js';
import { runReplay } from './replay.js';

/** What Commander makes of the options. Undefined = not given. */
export interface BenchmarkFlags extends RuntimeFlags, TemplateFlags {
  strategies: readonly StrategyName[];
  draftLength?: number[];
  beamWidth?: number[];
  threshold?: number[];
  clip?: boolean;
  baselines?: boolean;
  peers?: boolean;
  engine: BenchmarkOptions['engines'];
  prompts?: string;
  raw?: boolean;
  limit?: number;
  repetitions: number;
  maxTokens: number;
  ignoreEos?: boolean;
  special?: boolean;
  seed?: number; // undefined = another one each time
  temperature: number;
  topK: number;
  topP: number;
  format: 'table' | 'md' | 'csv' | 'json' | 'jsonl';
  exportMd?: string;
  exportCsv?: string;
  exportJson?: string;
  exportJsonl?: string;
  report?: string;
  compare?: string;
  failBelow?: number;
  perplexity: boolean;
  replay?: string;
  color: 'auto' | 'always' | 'never';
  quiet?: boolean;
}

/** `mtad benchmark`: strategies side by side. @returns the exit code */
export async function runBenchmark(flags: BenchmarkFlags): Promise<number> {
  if (flags.replay !== undefined) return runReplay(flags.replay, flags);
  const exports = exportsOf(flags);
  const outputs = exports.map(({ path }) => path);
  checkOutputs(outputs, inputFiles(flags));
  checkRoom(outputs);
  const earlier = flags.compare === undefined ? undefined : await readEarlier(flags.compare);
  const options = await optionsOf(flags); // unattended: Ctrl-C ends a wait for standard input
  return attended(flags, async (interrupts, progress) => {
    const stdout = new Sink(undefined, () => interrupts.abort());
    const pair = { ...options.pair, ...downloadReports(flags, progress) };
    const { signal } = interrupts;
    const { report, failure } = await measure({ ...options, pair, signal }, flags, progress, stdout);
    if (report && report.generations.length > 0) {
      await stdout.write(rendered(report, flags));
      if (earlier) await showComparison(compare(report, earlier), flags, stdout);
      await writeExports(exports, report, stdout, printedBy(flags));
    }
    if (interrupts.exitCode !== undefined) process.stderr.write(`mtad: ${leftBy(report)}\n`);
    if (failure) throw failure;
    return interrupts.exitCode ?? verdict(report!, flags.failBelow);
  });
}

/** Runs it, with its progress on the terminal. A failure comes with the report of what was finished before it. */
async function measure(
  options: BenchmarkOptions,
  { quiet, format }: BenchmarkFlags,
  progress: Progress,
  stdout: Sink,
): Promise<{ report: BenchmarkReport | undefined; failure: unknown }> {
  const { benchmark } = await import('../../benchmark/benchmark.js'); // half a second, so not before it is needed
  let report: BenchmarkReport | undefined;
  let total = 0;
  let done = 0;
  let cold = 0; // contenders that have not warmed up
  progress.loading('Loading models');
  try {
    for await (const event of benchmark(options)) {
      if (event.type === 'start') {
        total = event.total;
        const { skipped, prompts, used, repetitions } = event.conditions;
        cold = total / (used * repetitions);
        if (skipped.length > 0 && !quiet) {
          progress.stop();
          const [{ id, reason }] = skipped as [(typeof skipped)[number]];
          process.stderr.write(
            `mtad: warning: skipping ${skipped.length} of ${used + skipped.length} prompts (${prompts}), for example ${id}: ${reason}\n`,
          );
        }
      }
      if (event.type === 'warm-up' && --cold > 0) progress.loading(`Warming up ${event.contender}`);
      else if (event.type === 'warm-up') progress.generations(0, total); // the first text follows unannounced
      if (event.type === 'generation') {
        progress.generations(++done, total);
        if (format === 'jsonl') await stdout.write(jsonLine(event.generation));
      }
      if (event.type === 'end') report = event.report;
    }
    return { report, failure: undefined };
  } catch (failure) {
    return { report, failure };
  } finally {
    progress.stop();
  }
}

function rendered(report: BenchmarkReport, { format, color }: BenchmarkFlags): string {
  switch (format) {
    case 'table':
      return benchmarkTable(report, colorsFor(color, process.stdout.isTTY), process.stdout.columns);
    case 'md':
      return markdown(report);
    case 'csv':
      return csv(report);
    case 'json':
      return json(report);
    case 'jsonl':
      return jsonLastLine(report); // the generations are written
  }
}

/** All that standard output is given in the course of a run. */
function printedBy(flags: BenchmarkFlags): Export {
  const { format } = flags;
  return {
    path: `benchmark.${format === 'table' ? 'txt' : format}`,
    render: (report) => (format === 'jsonl' ? jsonLines(report) : rendered(report, flags)),
  };
}

/** What there is of an interrupted run. */
function leftBy(report: BenchmarkReport | undefined): string {
  if (!report || report.generations.length === 0)
    return 'interrupted before the first text was finished: nothing is written';
  const { generations, contenders, conditions } = report;
  const total = contenders.length * conditions.used * conditions.repetitions;
  return `interrupted: ${generations.length} of ${total} texts are in the report`;
}

async function readEarlier(path: string): Promise<EarlierReport> {
  const text = await readFile(path, 'utf8').catch((cause: Error) => {
    throw new UsageError(`Cannot read the report to compare with: ${cause.message}`, { cause });
  });
  return parseReport(text, path);
}

/** Beside a table; not into the middle of something for machines. */
async function showComparison(comparison: Comparison, flags: BenchmarkFlags, stdout: Sink): Promise<void> {
  const text = ({ isTTY, columns }: NodeJS.WriteStream) =>
    `\n${comparisonTable(comparison, colorsFor(flags.color, isTTY), columns)}`;
  if (flags.format === 'table') await stdout.write(text(process.stdout));
  else process.stderr.write(text(process.stderr));
}

/** @returns the exit code */
function verdict({ contenders, complete }: BenchmarkReport, failBelow: number | undefined): number {
  if (failBelow === undefined || !complete) return EXIT.ok;
  const factors = contenders
    .filter(({ role, name }) => role === 'strategy' && name !== PLAIN.name)
    .map(({ name, speedUp }) => ({ name, factor: speedUp.autoregressive?.value ?? 0 }))
    .sort((a, b) => b.factor - a.factor);
  const { name, factor } = factors[0]!;
  if (factor >= failBelow) return EXIT.ok;
  process.stderr.write(
    `mtad: the fastest strategy, ${name}, is ${factor.toFixed(2)} times as fast as autoregressive; --fail-below asks for ${failBelow}\n`,
  );
  return EXIT.failure;
}
