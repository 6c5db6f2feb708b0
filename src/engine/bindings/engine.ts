import { availableParallelism } from 'node:os';
import { basename } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import {
  getModuleVersion,
  InsufficientMemoryError,
  type Llama,
  type LlamaContext,
  LlamaLogLevel,
  type LlamaModel,
} from 'node-llama-cpp';
import { ModelFileError, ResourceError } from '../../errors.js';
import type { Context, ContextOptions, Engine, Model, ModelOptions, Tokenizer } from '../engine.js';
import { BindingsContext } from './context.js';
import { type Gpu, type LogListener, logListeners, sharedLlama } from './shared-llama.js';
import { bindingsTokenizer } from './tokenizer.js';

export interface BindingsOptions {
  readonly gpu: Gpu;
  /** Receives llama.cpp's own log lines. */
  readonly log?: ((line: string) => void) | undefined;
}

/** Models smaller than this are read from the processor's caches, where waiting for a second thread costs more than it brings. */
const SINGLE_THREAD_BYTES = 64 * 2 ** 20;

/** Tokens per evaluation of a long prompt: enough to keep the device busy, few enough to be interrupted. */
const BATCH_SIZE = { cpu: 128, gpu: 512 };

/** More cells than llama.cpp counts. */
const MAX_CELLS = 2 ** 31 - 1;

/**
 * node-llama-cpp's public API.
 * @throws UsageError when no build of llama.cpp for the wanted device runs on this machine
 */
export async function createBindingsEngine({ gpu, log }: BindingsOptions): Promise<Engine> {
  const llama = await sharedLlama(gpu);
  if (log) llama.logLevel = LlamaLogLevel.info;
  return new BindingsEngine(llama, await getModuleVersion(), new Complaints(log));
}

class BindingsEngine implements Engine {
  readonly name = 'bindings';
  readonly versions;
  readonly backend: string;
  readonly #llama: Llama;
  readonly #complaints: Complaints;
  readonly #models = new Set<LlamaModel>();
  #disposed = false;

  constructor(llama: Llama, version: string, complaints: Complaints) {
    this.#llama = llama;
    this.#complaints = complaints;
    this.backend = llama.gpu || 'cpu';
    this.versions = { node_llama_cpp: version, llama_cpp: llama.llamaCppRelease.release };
  }

  async loadModel(path: string, { gpuLayers, signal }: ModelOptions): Promise<Model> {
    if (this.#disposed) throw new Error('The engine was disposed of');
    this.#complaints.clear();
    let model: LlamaModel;
    try {
      model = await this.#llama.loadModel({
        modelPath: path,
        gpuLayers: gpuLayers ?? 'auto',
        ...(signal && { loadSignal: signal }),
      });
    } catch (error) {
      if (signal?.aborted) throw error;
      if (error instanceof InsufficientMemoryError) throw new ResourceError(error.message, { cause: error });
      const reason = await this.#complaints.summary(error);
      const Failure = /alloc|out of memory/i.test(reason) ? ResourceError : ModelFileError;
      throw new Failure(`llama.cpp cannot load ${path}: ${reason}`, { cause: error });
    }
    this.#models.add(model);
    refuseWithoutRollback(model, path);
    return new BindingsModel(model, this.#complaints);
  }

  async dispose(): Promise<void> {
    this.#disposed = true;
    this.#complaints.dispose();
    await Promise.all([...this.#models].map((model) => model.dispose()));
    this.#models.clear();
  }
}

class BindingsModel implements Model {
  readonly tokenizer: Tokenizer;
  readonly #model: LlamaModel;
  readonly #complaints: Complaints;

  constructor(model: LlamaModel, complaints: Complaints) {
    this.tokenizer = bindingsTokenizer(model);
    this.#model = model;
    this.#complaints = complaints;
  }

  async createContext({ capacity, sequences, threads }: ContextOptions): Promise<Context> {
    const onGpu = this.#model.gpuLayers > 0;
    const isSmall = this.#model.fileInsights.modelSize < SINGLE_THREAD_BYTES;
    this.#complaints.clear();
    if ((capacity + 1) * sequences > MAX_CELLS)
      throw new ResourceError(
        `A context of ${sequences} x ${capacity} tokens is more than llama.cpp can count`,
      );
    let context: LlamaContext;
    try {
      context = await this.#model.createContext({
        contextSize: capacity + 1, // one cell stays free, see BindingsContext
        sequences,
        batchSize: onGpu ? BATCH_SIZE.gpu : BATCH_SIZE.cpu,
        threads: threads ?? (isSmall ? 1 : Math.min(this.#model.llama.cpuMathCores, availableParallelism())),
        swaFullCache: true, // a sliding window forgets what a rollback needs
        failedCreationRemedy: false,
      });
    } catch (error) {
      throw new ResourceError(
        `Cannot make a context of ${sequences} x ${capacity} tokens for ${this.#model.filename}: ` +
          `${await this.#complaints.summary(error)}; use a smaller --ctx-size or --beam-width`,
        { cause: error },
      );
    }
    return new BindingsContext(context, capacity);
  }
}

/** Recurrent state cannot be cut back to an earlier token, which every rejected draft asks for. */
function refuseWithoutRollback({ fileInsights, fileInfo }: LlamaModel, path: string): void {
  if (fileInsights.isRecurrent || fileInsights.isHybrid)
    throw new ModelFileError(
      `${basename(path)} is a ${fileInfo.metadata.general.architecture} model: its recurrent state cannot be rolled back, ` +
        'which a rejected draft needs; use a transformer model',
    );
}

/** Remembers llama.cpp's errors, because the exceptions that follow them do not say what was wrong. */
class Complaints {
  readonly #log: ((line: string) => void) | undefined;
  #errors: string[] = [];

  constructor(log: ((line: string) => void) | undefined) {
    this.#log = log;
    logListeners.add(this.#listen);
  }

  dispose(): void {
    logListeners.delete(this.#listen);
  }

  readonly #listen: LogListener = (level, text) => {
    const line = text.trim();
    this.#log?.(`[llama.cpp] ${line}`);
    if (level === LlamaLogLevel.error || level === LlamaLogLevel.fatal) this.#errors.push(line);
  };

  clear(): void {
    this.#errors = [];
  }

  /** The first error logged, which is the cause of the later ones; else the exception's own words. */
  async summary(error: unknown): Promise<string> {
    await setTimeout(100); // log lines come from another thread, after the exception
    const line = this.#errors[0]?.replace(/^\w+: (error loading model: )?/, '');
    return line ?? (error instanceof Error ? error.message : String(error));
  }
}
