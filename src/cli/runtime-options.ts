import { join } from 'node:path';
import { type Command, Option } from 'commander';
import { CACHE_TYPES } from '../engine/runtime-options.js';
import type { RunOptions } from '../generation/run-options.js';
import type { PairOptions } from '../models/pair.js';
import { CostFolder } from '../tuning/cost-store.js';
import { DriftWatch } from '../tuning/drift.js';
import { LearnedFolder } from '../tuning/learned-store.js';
import { CostFile } from '../tuning/profile-file.js';
import { cacheFolder } from '../user-folders.js';
import type { Io } from './io.js';
import { corpusFile, draftFile, type ModelFlags } from './model-options.js';
import { choice, whole } from './option-kinds.js';
import type { ProfileInUse } from './settings/profile.js';

/** llama.cpp's other words for these numbers. -1 is left to the program by settleNumbers. */
const THREADS = new Map([
  ['0', -1],
  ['-1', -1],
]);
const LAYERS = new Map([
  ['all', 999], // more than any model has
  ['-2', 999],
  ['auto', -1],
  ['-1', -1],
]);

/** Which models, and how to run them: what every command that loads a pair is asked. Undefined = not given. */
export interface RuntimeFlags
  extends ModelFlags,
    Pick<RunOptions, 'threads' | 'draftThreads' | 'cacheType' | 'verifyCache'> {
  /** 0: what the target was trained on. */
  ctxSize?: number;
  flashAttn: 'auto' | 'on' | 'off';
  gpu: NonNullable<PairOptions['gpu']>;
  gpuLayers?: number;
  draftGpuLayers?: number;
  tuneCache: boolean;
  profile?: string;
  /** Of generate, chat, batch and serve. */
  learn?: string;
  /** That, or the one that was kept for the models. */
  profileInUse?: ProfileInUse;
  verbose?: boolean;
}

/** Without a profile. @param context what --ctx-size is by default, in words */
export function addDeviceOptions(program: Command, context = 'what the target was trained on'): void {
  program
    .addOption(
      whole(
        '-c, --ctx-size <n>',
        `tokens of prompt and text together at most, 0 = what the target was trained on (default: ${context})`,
        2,
        new Map([['0', 0]]),
      ),
    )
    .addOption(whole('-t, --threads <n>', 'processor threads (default: by model and device)', 1, THREADS))
    .addOption(
      whole('--draft-threads <n>', 'the same for the draft model (default: as --threads)', 1, THREADS),
    )
    .addOption(cacheTypeOption())
    .addOption(choice(new Option('--flash-attn <when>', 'flash attention')))
    .addOption(gpuOption())
    .addOption(
      whole(
        '--gpu-layers <n>',
        'layers of the target on the GPU, or all (default: as many as fit)',
        0,
        LAYERS,
      ),
    )
    .addOption(whole('--draft-gpu-layers <n>', 'layers of the draft model on the GPU', 0, LAYERS))
    .addOption(
      whole('--verify-cache <n>', 'hold every n-th pass of each model against a fresh evaluation: slow', 1),
    )
    .option('--no-tune-cache', 'measure what passes cost anew, learn of the draft anew, and keep nothing');
}

/** @param context what --ctx-size is by default, in words */
export function addRuntimeOptions(program: Command, context?: string): void {
  addDeviceOptions(program, context);
  program.option(
    '--profile <file>',
    'by which to run, instead of the one that mtad tune kept: a seed gives the same text; written if it is missing',
  );
}

export function addLearnOption(program: Command): void {
  program.option(
    '--learn <file.corpus>',
    'keep what is written in a corpus of your own, for --draft; its oldest texts go',
  );
}

export function cacheTypeOption(): Option {
  return new Option('--cache-type <type>', 'number format of the KV caches (default: f16)').choices(
    CACHE_TYPES,
  );
}

export function gpuOption(): Option {
  return new Option('--gpu <device>', 'device')
    .choices(['auto', 'cuda', 'vulkan', 'metal', 'off'])
    .default('auto');
}

export function addEngineOption(program: Command): void {
  program.addOption(
    new Option(
      '--engine <name>',
      "direct: llama.cpp's C API; bindings: node-llama-cpp's; auto: direct if it can",
    )
      .choices(['auto', 'direct', 'bindings'])
      .default('auto'),
  );
}

/** @returns where the pair is and on what device, as the library wants it */
export function pairOptionsOf(flags: RuntimeFlags, io: Io): PairOptions {
  const { model, targetUrl, targetKey, rpc, rpcLibrary } = flags;
  const { modelsDir, offline, gpu, gpuLayers, draftGpuLayers, learn, verbose } = flags;
  const log = verbose ? (line: string) => io.log(line) : undefined;
  return {
    model,
    draft: draftFile(flags),
    targetUrl,
    targetKey,
    rpc: rpc?.split(','),
    rpcLibrary,
    corpus: corpusFile(flags),
    learn,
    modelsDir,
    offline,
    gpu,
    gpuLayers,
    draftGpuLayers,
    log,
  };
}

/** @returns how to run it */
export function runOptionsOf(flags: RuntimeFlags, io: Io): RunOptions {
  const { ctxSize, threads, draftThreads, cacheType, flashAttn, profileInUse, verifyCache } = flags;
  const flashAttention = flashAttn === 'auto' ? undefined : flashAttn === 'on';
  const contextSize = ctxSize || undefined;
  return {
    contextSize,
    threads,
    draftThreads,
    cacheType,
    flashAttention,
    ...storesOf(flags, io),
    verifyCache,
    profile: profileInUse?.profile,
    drift: driftWatchOf(profileInUse),
  };
}

/** Watches all texts of a run that are written as the profile's were. */
function driftWatchOf(inUse: ProfileInUse | undefined): DriftWatch | undefined {
  const { tuned } = inUse?.profile ?? {};
  return tuned?.draft ? new DriftWatch(tuned.draft, tuned.sampling.temperature ?? 1) : undefined;
}

/** Where what passes cost, and what is learned of drafts, is kept; undefined = nowhere. */
function storesOf({ profile, tuneCache }: RuntimeFlags, io: Io): Pick<RunOptions, 'costs' | 'learned'> {
  if (profile !== undefined) return { costs: new CostFile(profile) };
  if (!tuneCache) return {};
  const folder = (name: string) => join(cacheFolder(io.env), name);
  return { costs: new CostFolder(folder('costs')), learned: new LearnedFolder(folder('learned')) };
}
