import { readFile } from 'node:fs/promises';
import { type Comparison, compare } from '../../benchmark/compare.js';
import type { BenchmarkOptions } from '../../benchmark/options.js';
import { csv } from '../../benchmark/out/csv.js';
import { type EarlierReport, json, parseReport } from '../../benchmark/out/json.js';
import { jsonLastLine, jsonLine, jsonLines } from '../../benchmark/out/jsonl.js';
import { markdown } from '../../benchmark/out/markdown.js';
import type { BenchmarkReport, Conditions } from '../../benchmark/report.js';
import { UsageError } from '../../errors.js';
import { PLAIN } from '../../strategies/index.js';
import { attended } from '../attended.js';
import { driftNotice } from '../drift-notice.js';
import { EXIT } from '../failures.js';
import { inputFiles } from '../input-files.js';
import type { Io, Output } from '../io.js';
import { benchmarkTable } from '../render/benchmark-table.js';
import { comparisonTable } from '../render/comparison-table.js';
import { downloadReports } from '../render/downloads.js';
import type { Progress } from '../render/progress.js';
import { checkOutputs, checkRoom, Sink } from '../render/sink.js';
import { type Export, exportsOf, writeExports } from './exports.js';
import type { BenchmarkFlags } from './flags.js';
import { optionsOf } from './options.js';
import { runReplay } from './replay.js';

/** `mtad benchmark`: runs strategies side by side. @returns the exit code */
export async function runBenchmark(io: Io, flags: BenchmarkFlags): Promise<number> {
  if (flags.replay !== undefined) return runReplay(io, flags.replay, flags);
  const exports = exportsOf(flags);
  const outputs = exports.map(({ path }) => path);
  checkOutputs(outputs, inputFiles(flags, io));
  checkRoom(outputs, io.stdout);
  const earlier = flags.compare === undefined ? undefined : await readEarlier(flags.compare);
  const options = await optionsOf(io, flags); // unattended: Ctrl-C ends a wait for standard input
  return attended(io, flags, async (interrupts, progress) => {
    const stdout = new Sink(io.stdout, () => interrupts.abort());
    const pair = { ...options.pair, ...downloadReports(io, flags, progress) };
    const { signal } = interrupts;
    const { report, failure } = await measure(io, { ...options, pair, signal }, flags, progress, stdout);
    if (report && report.generations.length > 0) {
      await stdout.write(rendered(io, report, flags));
      if (earlier) await showComparison(io, compare(report, earlier), flags, stdout);
      await writeExports(exports, report, stdout, printedBy(io, flags));
    }
    const fallen = driftNotice(options.run.drift?.drift ?? null);
    if (fallen !== undefined && !flags.quiet) io.say(fallen);
    if (interrupts.exitCode !== undefined) io.say(leftBy(report));
    if (failure) throw failure;
    return interrupts.exitCode ?? verdict(io, report!, flags.failBelow);
  });
}

/** Runs the benchmark and shows its progress. After a failure, the report has all texts that were finished before it. */
async function measure(
  io: Io,
  options: BenchmarkOptions,
  { quiet, format }: BenchmarkFlags,
  progress: Progress,
  stdout: Sink,
): Promise<{ report: BenchmarkReport | undefined; failure: unknown }> {
  const { benchmark } = await import('../../benchmark/benchmark.js'); // takes half a second, so only where it is needed
  let report: BenchmarkReport | undefined;
  let total = 0;
  let done = 0;
  let cold = 0; // number of contenders that have not warmed up
  progress.loading('Loading models');
  try {
    for await (const event of benchmark(options)) {
      if (event.type === 'start') {
        total = event.total;
        const { used, repetitions } = event.conditions;
        cold = total / (used * repetitions);
        const warnings = [...event.leftOut, ...skippedText(event.conditions)];
        if (warnings.length > 0 && !quiet) {
          progress.stop();
          for (const warning of warnings) io.say(`warning: ${warning}`);
        }
      }
      if (event.type === 'warm-up' && --cold > 0) progress.loading(`Warming up ${event.contender}`);
      else if (event.type === 'warm-up') progress.generations(0, total); // no event announces the first text
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

function skippedText({ skipped, used, prompts }: Conditions): string[] {
  const [first] = skipped;
  if (!first) return [];
  const all = used + skipped.length;
  return [
    `skipping ${skipped.length} of ${all} prompts (${prompts}), for example ${first.id}: ${first.reason}`,
  ];
}

function rendered(io: Io, report: BenchmarkReport, { format, color }: BenchmarkFlags): string {
  switch (format) {
    case 'table':
      return benchmarkTable(report, io.colors(color, io.stdout), io.stdout.columns);
    case 'md':
      return markdown(report);
    case 'csv':
      return csv(report);
    case 'json':
      return json(report);
    case 'jsonl':
      return jsonLastLine(report); // the generations are printed already
  }
}

/** All that a run prints on standard output. */
function printedBy(io: Io, flags: BenchmarkFlags): Export {
  const { format } = flags;
  return {
    path: `benchmark.${format === 'table' ? 'txt' : format}`,
    render: (report) => (format === 'jsonl' ? jsonLines(report) : rendered(io, report, flags)),
  };
}

/** Says how much of an interrupted run there is. */
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

/** Prints the comparison: below the table, or on standard error where standard output is for machines. */
async function showComparison(
  io: Io,
  comparison: Comparison,
  flags: BenchmarkFlags,
  stdout: Sink,
): Promise<void> {
  const text = (stream: Output) =>
    `\n${comparisonTable(comparison, io.colors(flags.color, stream), stream.columns)}`;
  if (flags.format === 'table') await stdout.write(text(io.stdout));
  else io.stderr.write(text(io.stderr));
}

/** @returns the exit code */
function verdict(io: Io, { contenders, complete }: BenchmarkReport, failBelow: number | undefined): number {
  if (failBelow === undefined || !complete) return EXIT.ok;
  const factors = contenders
    .filter(({ role, name }) => role === 'strategy' && name !== PLAIN.name)
    .map(({ name, speedUp }) => ({ name, factor: speedUp.autoregressive?.value ?? 0 }))
    .sort((a, b) => b.factor - a.factor);
  const { name, factor } = factors[0]!;
  if (factor >= failBelow) return EXIT.ok;
  io.say(
    `the fastest strategy, ${name}, is ${factor.toFixed(2)} times as fast as autoregressive; --fail-below asks for ${failBelow}`,
  );
  return EXIT.failure;
}
