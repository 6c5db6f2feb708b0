import { availableParallelism, cpus, release, totalmem, type } from 'node:os';
import { basename } from 'node:path';
import { performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { idleWatts, type MeterOptions, openMeter } from '../energy/meter.js';
import { PEER_NAMES, Peers } from '../engine/peers.js';
import { UsageError } from '../errors.js';
import { parseSettings } from '../generation/settings.js';
import type { ModelHeader } from '../models/header.js';
import { findPair, loadPair, type Pair, type PairFiles } from '../models/pair.js';
import { sequencesOf } from '../strategies/index.js';
import { VERSION } from '../version.js';
import type { BenchmarkOptions } from './benchmark.js';
import { PassCosts } from './pass-costs.js';
import type { BenchmarkReport, Conditions, EnergySource, ModelFacts } from './report.js';
import type { Course, EngineCosts, TokenizedPrompt } from './run.js';
import { Scorer } from './scorer.js';
import { peerWriter, strategyWriter, type Writing } from './writer.js';

/** What a benchmark has opened, and how to close it. */
export interface OpenCourse {
  readonly course: Course;
  readonly facts: Pick<BenchmarkReport, 'machine' | 'versions' | 'models'>;
  readonly conditions: Conditions;
  readonly energy: EnergySource;
  close(): Promise<void>;
}

/** Milliseconds during which the idle machine is watched. */
const IDLE_MS = 2000;

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

type Later = (closer: () => Promise<void> | void) => void;

async function open(options: BenchmarkOptions, later: Later): Promise<Omit<OpenCourse, 'close'>> {
  const { entries, settings, signal, repetitions, seed } = options;
  const { model, draft } = options.pair;
  const drafts = entries.some((entry) => sequencesOf(parseSettings(entry.settings)).draft > 0);
  const looksUp = entries.some((entry) => entry.settings.draftFrom === 'lookup');
  const predicts = options.peers && !looksUp && Boolean(draft || !model); // where there is a draft model, so does a peer
  const pairOptions = { ...options.pair, needsDraft: drafts || predicts, signal };
  const files = await findPair(pairOptions);
  const pairs: Pair[] = [];
  for (const engine of options.engines) {
    const pair = await loadPair({ ...pairOptions, engine }, files);
    later(() => pair.dispose());
    const isSecond = pairs.some((one) => one.engine.name === pair.engine.name); // 'auto' is one of the others
    if (isSecond) await pair.dispose();
    else pairs.push(pair);
  }
  const first = pairs[0]!;
  const { contextSize = files.target.trainContextSize || Number.MAX_SAFE_INTEGER } = options.run;
  const { prompts, skipped } = admit(options, first, contextSize);
  const longest = Math.max(...prompts.map(({ tokens }) => tokens.length));
  const capacity = Math.min(contextSize, longest + settings.maxTokens);

  const meter = await openMeter({ backend: first.engine.backend as MeterOptions['backend'] });
  later(() => meter.dispose());
  const writing: Writing = { settings, run: { ...options.run, signal }, meter };
  const writers = pairs.flatMap((pair) => entries.map((entry) => strategyWriter(pair, entry, writing)));
  if (options.peers) {
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
    for (const name of PEER_NAMES)
      if (files.draft || name === 'evaluate()') writers.push(peerWriter(peers, name, writing));
  }

  const { threads, draftThreads = threads, cacheType, flashAttention } = options.run;
  const reading = { cacheType, flashAttention, sequences: 1 };
  const costs: EngineCosts[] = [];
  for (const { engine, target, draft } of pairs) {
    const size = { ...reading, capacity: capacity + PASS_ROOM };
    const costOf = async (model: typeof target, threads: number | undefined) => {
      const cost = new PassCosts(await model.createContext({ ...size, threads }), now);
      later(() => cost.dispose());
      return cost;
    };
    costs.push({
      engine: engine.name,
      target: await costOf(target, threads),
      draft: draft && (await costOf(draft, draftThreads)),
    });
  }
  let score: Course['score'] = null;
  if (options.perplexity) {
    const context = await first.target.createContext({ ...reading, capacity, threads });
    const scorer = new Scorer(context, settings.topK);
    later(() => scorer.dispose());
    score = (prompt, emitted) => scorer.score(prompt, emitted);
  }

  const { source, reason } = meter;
  return {
    course: {
      writers,
      prompts,
      contextSize,
      maxTokens: settings.maxTokens,
      repetitions,
      seed,
      score,
      costs,
      signal,
    },
    facts: factsOf(files, first),
    conditions: {
      ...settings,
      prompts: options.promptSource,
      used: prompts.length,
      skipped,
      repetitions,
      seed,
      threads: threads ?? null,
    },
    energy: { source, reason, idleWatts: source ? await idleWatts(meter, IDLE_MS, now, sleep) : null },
  };
}

/** @throws UsageError where nothing is left */
function admit(
  { prompts: all }: BenchmarkOptions,
  { target }: Pair,
  contextSize: number,
): { prompts: TokenizedPrompt[]; skipped: Conditions['skipped'] } {
  const tokenized = all.map((prompt) => ({ ...prompt, tokens: target.tokenizer.encode(prompt.text) }));
  const prompts = tokenized.filter(({ tokens }) => tokens.length < contextSize);
  const skipped = tokenized
    .filter(({ tokens }) => tokens.length >= contextSize)
    .map(({ id, tokens }) => ({
      id,
      reason: `${tokens.length} tokens, and the context holds ${contextSize}`,
    }));
  if (prompts.length === 0)
    throw new UsageError(
      `None of ${all.length} prompts fits into the context of ${contextSize} tokens: raise --ctx-size, or give shorter prompts`,
    );
  return { prompts, skipped };
}

function factsOf({ target, draft }: PairFiles, { engine }: Pair): OpenCourse['facts'] {
  return {
    machine: {
      cpu: cpus()[0]?.model.trim() ?? 'unknown',
      processors: availableParallelism(),
      memoryGb: Math.round(totalmem() / 1e9),
      system: `${type()} ${release()}`,
      backend: engine.backend,
    },
    versions: {
      mtad: VERSION,
      node: process.versions.node,
      nodeLlamaCpp: engine.versions.node_llama_cpp,
      llamaCpp: engine.versions.llama_cpp,
    },
    models: { target: modelFacts(target), draft: draft ? modelFacts(draft) : null },
  };
}

function modelFacts({ path, bytes, architecture, caveat }: ModelHeader): ModelFacts {
  return { file: basename(path), bytes, architecture, caveat: caveat ?? null };
}
