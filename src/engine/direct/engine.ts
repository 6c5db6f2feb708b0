import { basename } from 'node:path';
import type { GgufInsights } from 'node-llama-cpp';
import pLimit from 'p-limit';
import { ModelFileError } from '../../errors.js';
import { Complaints, loadFailure } from '../llama/complaints.js';
import { readGrammar } from '../llama/grammar.js';
import { isTiny } from '../llama/sizing.js';
import type { Engine, EngineOptions, GrammarSource, Model, ModelOptions } from '../port.js';
import type { Pointer } from './declare.js';
import { directGrammars } from './grammar.js';
import { openInstalled } from './installed.js';
import { MODEL_DEFAULTS, type ModelParams } from './layout.js';
import type { Library } from './library.js';
import { DirectModel, type Parts } from './model.js';
import { openRpc, withLosses } from './rpc.js';
import { insightsOfFile } from './shape.js';
import { ThreadPools } from './thread-pools.js';

/**
 * @returns the engine that calls llama.cpp's C API, in the library that node-llama-cpp brings along for this machine
 * @throws UsageError when no build of llama.cpp for the wanted device runs on this machine; DirectUnavailable when this
 *   engine was written for another build than the one that runs
 */
export async function createDirectEngine(options: EngineOptions): Promise<Engine> {
  const installed = await openInstalled(options);
  return new DirectEngine({
    installed,
    library: installed.library,
    complaints: new Complaints(options.log),
    pools: new ThreadPools(installed.library),
  });
}

class DirectEngine implements Engine {
  readonly name = 'direct';
  readonly versions: Engine['versions'];
  readonly backend: string;
  readonly #parts: Parts;
  readonly #models = new Set<DirectModel>();
  readonly #exclusively = pLimit(1);
  #disposed = false;

  constructor(parts: Parts) {
    this.#parts = parts;
    this.backend = parts.installed.backend;
    this.versions = parts.installed.versions;
  }

  loadModel(path: string, options: ModelOptions): Promise<Model> {
    return this.#exclusively(async () => {
      if (this.#disposed) throw new Error('The engine was disposed of');
      const model = await loadDirectModel(path, options, this.#parts);
      this.#models.add(model);
      return model;
    });
  }

  async checkGrammar(source: GrammarSource): Promise<void> {
    const { installed, complaints } = this.#parts;
    await readGrammar(source, directGrammars(installed, null), complaints);
  }

  dispose(): Promise<void> {
    return this.#exclusively(async () => {
      this.#disposed = true;
      this.#parts.complaints.dispose();
      await Promise.all([...this.#models].map((model) => model.dispose()));
      this.#models.clear();
      this.#parts.pools.dispose();
    });
  }
}

const END_OF_LIST = new BigUint64Array(1).buffer;

/** More than any model has. */
const ALL_LAYERS = 9999;

async function loadDirectModel(
  path: string,
  { gpuLayers, withHead: wantsHead = false, rpc, signal }: ModelOptions,
  engine: Parts,
): Promise<DirectModel> {
  const elsewhere = rpc && (await openRpc(rpc, engine.library.paths, engine.library));
  const parts = elsewhere ? { ...engine, library: withLosses(engine.library, elsewhere.losses) } : engine;
  const isOnGpu = !elsewhere && engine.installed.backend !== 'cpu';
  const insights = isOnGpu ? await insightsOfFile(path, engine.installed) : undefined;
  const layers = insights ? await layersOnGpu(insights, gpuLayers, signal) : 0;
  const withHead = wantsHead && !elsewhere && parts.library.heads !== undefined;
  const options = {
    n_gpu_layers: elsewhere ? (gpuLayers ?? ALL_LAYERS) : layers,
    load_mtp: withHead,
    ...(elsewhere && { devices: elsewhere.devices, tensor_buft_overrides: elsewhere.overrides }),
    ...(insights &&
      layers === 0 &&
      isTiny({ bytes: insights.modelSize }) && { devices: noDevices(parts.library) }),
  };
  const pointer = await loadWeights(path, options, signal, parts);
  const loaded = { path, pointer, gpuLayers: layers, isElsewhere: elsewhere !== undefined, withHead };
  return new DirectModel(loaded, parts);
}

/** A list without entries: llama.cpp then does not ask a GPU in each pass whether it has something to do. */
function noDevices({ addressOf }: Library): Pointer {
  return addressOf(END_OF_LIST);
}

async function loadWeights(
  path: string,
  options: Partial<ModelParams>,
  signal: AbortSignal | undefined,
  { installed, library, complaints }: Parts,
): Promise<Pointer> {
  const progress = signal && library.registerProgress(() => !signal.aborted);
  const params = { ...MODEL_DEFAULTS, ...options, progress_callback: progress ?? null };
  complaints.clear();
  let model: Pointer | null;
  try {
    model = await library.modelLoad(path, params);
    if (model === null && !signal?.aborted)
      model = await installed.heard(() => library.modelLoad(path, params));
  } finally {
    if (progress !== undefined) library.unregister(progress);
  }
  if (!model) {
    signal?.throwIfAborted();
    throw await loadFailure(path, 'it does not say why', complaints);
  }
  const oddity = library.oddity(model);
  if (!oddity) return model;
  await library.modelFree(model);
  throw new ModelFileError(`${basename(path)} ${oddity}, which this tool cannot decode; use another model`);
}

/** @returns the number of layers on the GPU: the wanted one, or node-llama-cpp's choice */
async function layersOnGpu(
  { totalLayers, configurationResolver }: GgufInsights,
  wanted: number | undefined,
  signal: AbortSignal | undefined,
): Promise<number> {
  if (wanted !== undefined) return Math.min(wanted, totalLayers);
  const { gpuLayers } = await configurationResolver.resolveModelGpuLayersV2('auto', {
    ...(signal && { signal }),
  });
  return gpuLayers;
}
