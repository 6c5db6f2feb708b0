import { basename } from 'node:path';
import { getModuleVersion, type Llama, type LlamaModel } from 'node-llama-cpp';
import pLimit from 'p-limit';
import { ModelFileError } from '../../errors.js';
import { Complaints } from '../llama/complaints.js';
import { parseGrammar } from '../llama/grammar.js';
import { loadFailure, loadLlamaModel } from '../llama/llama-model.js';
import { backendOf, sharedLlama } from '../llama/shared-llama.js';
import { isTiny } from '../llama/sizing.js';
import type { Engine, EngineOptions, GrammarSource, Model, ModelOptions } from '../port.js';
import type { Pointer } from './declare.js';
import { MODEL_DEFAULTS, type ModelParams } from './layout.js';
import { type Library, openLibrary } from './library.js';
import { DirectModel, type Parts } from './model.js';
import { openRpc, withLosses } from './rpc.js';
import { ThreadPools } from './thread-pools.js';

/**
 * @returns the engine that calls llama.cpp's C API, in the library that node-llama-cpp has loaded for this machine. Only the
 *   tokenizer is node-llama-cpp's own
 * @throws UsageError when no build of llama.cpp for the wanted device runs on this machine; DirectUnavailable when this
 *   engine was written for another build than the one that runs
 */
export async function createDirectEngine({ gpu, log }: EngineOptions): Promise<Engine> {
  const llama = await sharedLlama(gpu);
  const library = await openLibrary(llama);
  return new DirectEngine(
    llama,
    await backendOf(llama),
    library,
    await getModuleVersion(),
    new Complaints(llama, log),
  );
}

class DirectEngine implements Engine {
  readonly name = 'direct';
  readonly versions;
  readonly backend: string;
  readonly #parts: Parts;
  readonly #models = new Set<DirectModel>();
  readonly #exclusively = pLimit(1);
  #disposed = false;

  constructor(llama: Llama, backend: string, library: Library, version: string, complaints: Complaints) {
    this.#parts = { llama, library, complaints, pools: new ThreadPools(library) };
    this.backend = backend;
    this.versions = { node_llama_cpp: version, llama_cpp: llama.llamaCppRelease.release };
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
    await parseGrammar(this.#parts.llama, source, this.#parts.complaints);
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
  const vocabulary = {
    modelPath: path,
    vocabOnly: true,
    gpuLayers: 0,
    ...(signal && { loadSignal: signal }),
  };
  const elsewhere = rpc && (await openRpc(rpc, engine.library.paths, engine.library));
  const parts = elsewhere ? { ...engine, library: withLosses(engine.library, elsewhere.losses) } : engine;
  const described = await loadLlamaModel(parts.llama, vocabulary, parts.complaints);
  try {
    const layers = elsewhere ? 0 : await layersOnGpu(described, gpuLayers, signal);
    const withHead = wantsHead && !elsewhere && parts.library.heads !== undefined;
    const options = {
      n_gpu_layers: elsewhere ? (gpuLayers ?? ALL_LAYERS) : layers,
      load_mtp: withHead,
      ...(elsewhere && { devices: elsewhere.devices, tensor_buft_overrides: elsewhere.overrides }),
      ...(!elsewhere && layers === 0 && isTiny(described) && { devices: noDevices(parts.library) }),
    };
    return new DirectModel(
      await loadWeights(path, options, signal, parts),
      { described, gpuLayers: layers, isElsewhere: elsewhere !== undefined, withHead },
      parts,
    );
  } catch (error) {
    await described.dispose();
    throw error;
  }
}

/** A list without entries: llama.cpp then does not ask a GPU in each pass whether it has something to do. */
function noDevices({ addressOf }: Library): Pointer {
  return addressOf(END_OF_LIST);
}

async function loadWeights(
  path: string,
  options: Partial<ModelParams>,
  signal: AbortSignal | undefined,
  { library, complaints }: Parts,
): Promise<Pointer> {
  const progress = library.registerProgress(() => !signal?.aborted);
  complaints.clear();
  let model: Pointer | null;
  try {
    model = await library.modelLoad(path, {
      ...MODEL_DEFAULTS,
      ...options,
      progress_callback: progress,
    });
  } finally {
    library.unregister(progress);
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
  { fileInsights, llama }: LlamaModel,
  wanted: number | undefined,
  signal: AbortSignal | undefined,
): Promise<number> {
  if ((await backendOf(llama)) === 'cpu') return 0;
  if (wanted !== undefined) return Math.min(wanted, fileInsights.totalLayers);
  const { gpuLayers } = await fileInsights.configurationResolver.resolveModelGpuLayersV2('auto', {
    ...(signal && { signal }),
  });
  return gpuLayers;
}
