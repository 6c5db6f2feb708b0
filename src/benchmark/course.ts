import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { idleWatts, type Meter, type MeterOptions, openMeter } from '../energy/meter.js';
import { machineMemory } from '../engine/llama/machine.js';
import type { Model } from '../engine/port.js';
import { usesDraftModel } from '../generation/draft-source.js';
import { parseSettings } from '../generation/parse-settings.js';
import { findPair, loadPair, type Pair, type PairFiles } from '../models/pair.js';
import { CostMemory } from '../tuning/cost-store.js';
import { admit } from './admit.js';
import { settingsOf } from './contenders.js';
import { PassCosts } from './costs.js';
import { type Facts, factsOf } from './facts.js';
import type { BenchmarkOptions } from './options.js';
import type { Conditions, EnergySource } from './report.js';
import type { Course, EngineCosts } from './run.js';
import { Scorer } from './scorer.js';
import { withoutTrees, withSources } from './with-sources.js';
import { peerWriter, strategyWriter, type Writer, type Writing } from './writer.js';

/** What a benchmark has opened, and how to close it. */
export interface OpenCourse {
  readonly course: Course;
  readonly facts: Facts;
  readonly conditions: Conditions;
  readonly energy: EnergySource;
  /** A sentence on each strategy that has nothing to draft with. */
  readonly leftOut: readonly string[];
  close(): Promise<void>;
}

/** Milliseconds during which the idle machine is watched, after others in which threads that loaded models go to sleep. */
const IDLE_MS = 2000;
const SETTLE_MS = 1000;

/** Tokens of a pass to be timed, beyond the longest text. */
const PASS_ROOM = 128;

const now = () => performance.now();

/** Loads the models, once for each engine, and whatever measures them. Nothing is left behind when that fails. */
export async function openCourse(options: BenchmarkOptions): Promise<OpenCourse> {
  const closers: (() => Promise<void> | void)[] = [];
  const close = async () => {
    for (const closer of closers.splice(0).reverse()) await closer();
  };
  try {
    return { ...(await open(options, (closer) => closers.push(closer))), close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Remembers what to close in the end. */
type Later = (closer: () => Promise<void> | void) => void;

async function open(options: BenchmarkOptions, later: Later): Promise<Omit<OpenCourse, 'close'>> {
  const { settings, signal, repetitions, seed, run } = options;
  const files = await findPair({ ...options.pair, needsDraft: needsDraft(options), signal });
  const sourced = withSources(options.entries, files);
  const pairs = await openPairs({ ...options, entries: sourced.entries }, files, later);
  const first = pairs[0]!;
  const { entries, leftOut } = withoutTrees(sourced, first);
  const { contextSize = files.target.trainContextSize || Number.MAX_SAFE_INTEGER } = run;
  const template = options.raw ? undefined : await first.target.chatTemplate?.(options.template);
  const { prompts, skipped } = await admit(options, first, template, contextSize);
  const longest = Math.max(...prompts.map(({ tokens }) => tokens.length));
  const capacity = Math.min(contextSize, longest + settings.maxTokens);

  const meter = await openMeter({ backend: first.engine.backend as MeterOptions['backend'] });
  later(() => meter.dispose());
  const writers = await openWriters({ ...options, entries }, files, pairs, meter, later);
  const costs: EngineCosts[] = [];
  for (const pair of pairs) costs.push(await openCosts(pair, run, capacity + PASS_ROOM, later));
  const score = options.perplexity ? await openScorer(first, options, capacity, later) : null;

  const { source, reason } = meter;
  const { maxTokens, special } = settings;
  const { tokenizer } = first.target;
  const onGpu = first.engine.backend !== 'cpu';
  return {
    course: {
      writers,
      prompts,
      contextSize,
      maxTokens,
      repetitions,
      onGpu,
      seed,
      score,
      textOf: (prompt, emitted) => tokenizer.decode(emitted, prompt, special),
      costs,
      signal,
    },
    facts: factsOf(files, first, (await machineMemory(options.pair.gpu ?? 'auto')).gpus),
    conditions: {
      ...settings,
      prompts: options.promptSource,
      used: prompts.length,
      skipped,
      repetitions,
      seed,
      threads: run.threads ?? null,
      draftThreads: run.draftThreads ?? null,
      contextSize: run.contextSize ?? null,
      cacheType: run.cacheType ?? null,
      flashAttention: run.flashAttention ?? null,
      gpuLayers: options.pair.gpuLayers ?? null,
      draftGpuLayers: options.pair.draftGpuLayers ?? null,
      chatTemplate: template?.name ?? null,
    },
    leftOut,
    energy: { source, reason, idleWatts: source ? await idleOf(meter) : null },
  };
}

async function idleOf(meter: Meter): Promise<number | null> {
  await sleep(SETTLE_MS);
  return idleWatts(meter, IDLE_MS, now, sleep);
}

/** Where a strategy drafts with it, or a peer would and there is one. */
function needsDraft({ entries, peers }: BenchmarkOptions): boolean {
  const drafts = entries.some((entry) => usesDraftModel(parseSettings(settingsOf(entry))));
  return drafts || (peers && entries.every(({ settings }) => settings.draftFrom === undefined));
}

/** The models on each engine, once where 'auto' is another of them. */
async function openPairs(
  { engines, entries, pair: options, signal }: BenchmarkOptions,
  files: PairFiles,
  later: Later,
): Promise<Pair[]> {
  const withHead = entries.some(({ settings }) => settings.draftFrom === 'mtp');
  const pairs: Pair[] = [];
  for (const engine of engines) {
    const pair = await loadPair({ ...options, withHead, engine, signal }, files);
    later(() => pair.dispose());
    if (pairs.some((one) => one.engine.name === pair.engine.name)) await pair.dispose();
    else pairs.push(pair);
  }
  return pairs;
}

async function openWriters(
  { entries, settings, signal, ...options }: BenchmarkOptions,
  files: PairFiles,
  pairs: readonly Pair[],
  meter: Meter,
  later: Later,
): Promise<Writer[]> {
  const { template } = options;
  const { costs = new CostMemory(), ...run } = options.run; // measured once for all texts of the run
  const writing: Writing = { settings, template, run: { ...run, costs, signal }, meter };
  const ours = pairs.flatMap((pair) => entries.map((entry) => strategyWriter(pair, entry, writing)));
  if (!options.peers) return ours;
  const { PEER_NAMES, Peers } = await import('../engine/llama/peers.js');
  const peers = await Peers.load({
    ...options.pair,
    ...options.run,
    target: files.target.path,
    draft: files.draft?.path,
    gpu: options.pair.gpu ?? 'auto',
    signal,
    now,
  });
  later(() => peers.dispose());
  const names = PEER_NAMES.filter((name) => files.draft || name === 'evaluate()');
  return [...ours, ...names.map((name) => peerWriter(peers, name, writing))];
}

async function openCosts(
  { engine, target, draft = target.head }: Pair,
  { threads, draftThreads = threads, cacheType, flashAttention }: BenchmarkOptions['run'],
  capacity: number,
  later: Later,
): Promise<EngineCosts> {
  const costOf = async (model: Model, threads: number | undefined) => {
    const sequences = model.isRecurrent ? 2 : 1; // see PassCosts
    const context = await model.createContext({ capacity, sequences, threads, cacheType, flashAttention });
    const costs = new PassCosts(context);
    later(() => costs.dispose());
    return costs;
  };
  return {
    engine: engine.name,
    target: await costOf(target, threads),
    draft: draft && (await costOf(draft, draftThreads)),
  };
}

async function openScorer(
  { target }: Pair,
  { settings, run: { threads, cacheType, flashAttention } }: BenchmarkOptions,
  capacity: number,
  later: Later,
): Promise<NonNullable<Course['score']>> {
  const context = await target.createContext({ capacity, sequences: 1, threads, cacheType, flashAttention });
  const scorer = new Scorer(context, settings.topK);
  later(() => scorer.dispose());
  return (prompt, emitted) => scorer.score(prompt, emitted);
}
