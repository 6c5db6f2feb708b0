import { basename } from 'node:path';
import { getModuleVersion, type Llama, type LlamaModel } from 'node-llama-cpp';
import pLimit from 'p-limit';
import { ModelFileError } from '../../errors.js';
import { chatTemplates } from '../llama/chat-template.js';
import { Complaints } from '../llama/complaints.js';
import { createGrammar, parseGrammar } from '../llama/grammar.js';
import { loadFailure, loadLlamaModel } from '../llama/llama-model.js';
import { backendOf, sharedLlama } from '../llama/shared-llama.js';
import {
  BATCH_SIZE,
  contextFailure,
  defaultFlashAttention,
  defaultThreads,
  ggmlType,
  refuseTooLarge,
} from '../llama/sizing.js';
import { llamaTokenizer } from '../llama/tokenizer.js';
import type {
  Context,
  ContextOptions,
  Engine,
  EngineOptions,
  Grammar,
  GrammarSource,
  Model,
  ModelOptions,
  Tokenizer,
} from '../port.js';
import { DirectContext } from './context.js';
import { CONTEXT_DEFAULTS, MODEL_DEFAULTS } from './layout.js';
import { type Library, openLibrary, type Pointer } from './library.js';
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

/** The objects that all models of an engine share. */
interface Parts {
  readonly llama: Llama;
  readonly library: Library;
  readonly complaints: Complaints;
  readonly pools: ThreadPools;
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

async function loadDirectModel(
  path: string,
  { gpuLayers, signal }: ModelOptions,
  parts: Parts,
): Promise<DirectModel> {
  const vocabulary = {
    modelPath: path,
    vocabOnly: true,
    gpuLayers: 0,
    ...(signal && { loadSignal: signal }),
  };
  const described = await loadLlamaModel(parts.llama, vocabulary, parts.complaints);
  try {
    const layers = await layersOnGpu(described, gpuLayers, signal);
    return new DirectModel(await loadWeights(path, layers, signal, parts), described, layers, parts);
  } catch (error) {
    await described.dispose();
    throw error;
  }
}

async function loadWeights(
  path: string,
  gpuLayers: number,
  signal: AbortSignal | undefined,
  { library, complaints }: Parts,
): Promise<Pointer> {
  const progress = library.registerProgress(() => !signal?.aborted);
  complaints.clear();
  let model: Pointer | null;
  try {
    model = await library.modelLoad(path, {
      ...MODEL_DEFAULTS,
      n_gpu_layers: gpuLayers,
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
  library.modelFree(model);
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

/** Owns the weights and their contexts. It frees the contexts first. */
class DirectModel implements Model {
  readonly tokenizer: Tokenizer;
  readonly chatTemplate: NonNullable<Model['chatTemplate']>;
  readonly isRecurrent: boolean;
  readonly #parts: Parts;
  readonly #described: LlamaModel;
  readonly #gpuLayers: number;
  readonly #contexts = new Set<DirectContext>();
  readonly #exclusively = pLimit(1);
  #pointer: Pointer | undefined;

  constructor(pointer: Pointer, described: LlamaModel, gpuLayers: number, parts: Parts) {
    this.tokenizer = llamaTokenizer(described);
    this.chatTemplate = chatTemplates(described);
    this.isRecurrent = parts.library.isRecurrent(pointer);
    this.#pointer = pointer;
    this.#described = described;
    this.#gpuLayers = gpuLayers;
    this.#parts = parts;
  }

  createContext(options: ContextOptions): Promise<Context> {
    return this.#exclusively(async () => {
      if (this.#pointer === undefined) throw new Error('The model was disposed of');
      const { capacity, sequences, cells: wanted = capacity * sequences, rollback = 0 } = options;
      const { library, pools } = this.#parts;
      const slidingWindow = library.slidingWindow(this.#pointer);
      const states = this.isRecurrent ? sequences * (1 + rollback) : 0;
      const ownSequences = slidingWindow > 0 ? 1 : 0; // see CellKeeper
      const size = { cells: wanted, states, gpuLayers: this.#gpuLayers, ownSequences };
      await refuseTooLarge(this.#described, options, size);
      const onGpu = this.#gpuLayers > 0;
      // llama.cpp ends the process over a batch that is larger than its cache, or not large enough for all sequences.
      const cells = Math.max(wanted, sequences);
      // And where the last tokens of a pass, of which it keeps the states, do not fit into one.
      const fewest = Math.max(sequences, states > 0 ? rollback + 2 : 1);
      const batchSize = Math.max(fewest, Math.min(cells, onGpu ? BATCH_SIZE.gpu : BATCH_SIZE.cpu));
      const threads = options.threads ?? defaultThreads(this.#described, this.#gpuLayers);
      const pool = pools.ofSize(threads);
      const vocabularySize = library.vocabularySize(this.#pointer);
      const pointer = await this.#initContext(this.#pointer, options, { cells, batchSize, threads });
      library.threadPoolAttach(pointer, pool.pointer);
      const context = new DirectContext(library, pointer, pool, {
        capacity,
        sequences,
        batchSize,
        vocabularySize,
        slidingWindow,
        statesKept: this.isRecurrent ? library.statesKept(pointer) : undefined,
        onGpu,
        onDispose: () => this.#contexts.delete(context),
      });
      this.#contexts.add(context);
      return context;
    });
  }

  createGrammar(source: GrammarSource): Promise<Grammar> {
    return createGrammar(this.#described, source, this.#parts.complaints);
  }

  dispose(): Promise<void> {
    return this.#exclusively(async () => {
      await Promise.all([...this.#contexts].map((context) => context.dispose()));
      if (this.#pointer !== undefined) this.#parts.library.modelFree(this.#pointer);
      this.#pointer = undefined;
      await this.#described.dispose();
    });
  }

  async #initContext(
    model: Pointer,
    options: ContextOptions,
    { cells, batchSize, threads }: { cells: number; batchSize: number; threads: number },
  ): Promise<Pointer> {
    const { sequences, rollback = 0, cacheType } = options;
    const flashAttention =
      options.flashAttention ?? defaultFlashAttention(this.#described, this.#gpuLayers, cacheType);
    const { library, complaints } = this.#parts;
    complaints.clear();
    const pointer = await library.contextInit(model, {
      ...CONTEXT_DEFAULTS,
      n_ctx: cells,
      n_batch: batchSize,
      n_ubatch: batchSize,
      n_seq_max: sequences,
      n_rs_seq: this.isRecurrent ? rollback : 0,
      n_threads: threads,
      n_threads_batch: threads,
      flash_attn_type:
        flashAttention === undefined ? CONTEXT_DEFAULTS.flash_attn_type : Number(flashAttention),
      type_k: ggmlType(cacheType),
      type_v: ggmlType(cacheType),
      swa_full: true, // a sliding window forgets what a rollback needs
      kv_unified: true,
    });
    if (pointer) return pointer;
    throw contextFailure(this.#described, options, await complaints.summary('it does not say why'));
  }
}
