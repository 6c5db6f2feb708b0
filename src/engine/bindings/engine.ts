import { availableParallelism } from 'node:os';
import { basename } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import {
  getLlama,
  getModuleVersion,
  InsufficientMemoryError,
  type Llama,
  type LlamaContext,
  LlamaLogLevel,
  type LlamaModel,
  NoBinaryFoundError,
} from 'node-llama-cpp';
import { ModelFileError, ResourceError, UsageError } from '../../errors.js';
import type { Context, ContextOptions, Engine, Model, ModelOptions, Tokenizer } from '../engine.js';
import { BindingsContext } from './context.js';
import { bindingsTokenizer } from './tokenizer.js';

export interface BindingsOptions {
  readonly gpu: 'auto' | 'cuda' | 'vulkan' | 'metal' | 'off';
  /** Receives llama.cpp's own log lines. */
  readonly log?: ((line: string) => void) | undefined;
}

/** Models smaller than this are read from the processor's caches, where waiting for a second thread costs more than it brings. */
const SINGLE_THREAD_BYTES = 64 * 2 ** 20;

/** Tokens per evaluation of a long prompt: enough to keep the device busy, few enough to be interrupted. */
const BATCH_SIZE = { cpu: 128, gpu: 512 };

/**
 * node-llama-cpp's public API.
 * @throws UsageError when no build of llama.cpp for the wanted device runs on this machine
 */
export async function createBindingsEngine({ gpu, log }: BindingsOptions): Promise<Engine> {
  const complaints = new Complaints(log);
  try {
    const llama = await getLlama({
      gpu: gpu === 'off' ? false : gpu,
      build: 'never',
      skipDownload: true,
      progressLogs: false,
      maxThreads: 0, // as many as a context asks for
      logLevel: log ? LlamaLogLevel.info : LlamaLogLevel.warn,
      logger: (level, line) => complaints.add(level, line),
    });
    return new BindingsEngine(llama, await getModuleVersion(), complaints);
  } catch (error) {
    if (error instanceof NoBinaryFoundError)
      throw new UsageError(
        gpu === 'auto' || gpu === 'off'
          ? `No prebuilt llama.cpp of node-llama-cpp runs on this machine (${process.platform} ${process.arch})`
          : `--gpu ${gpu}: no llama.cpp build for ${gpu} runs on this machine; use --gpu auto or --gpu off`,
        { cause: error },
      );
    throw error;
  }
}

class BindingsEngine implements Engine {
  readonly name = 'bindings';
  readonly versions;
  readonly backend: string;
  readonly #llama: Llama;
  readonly #complaints: Complaints;

  constructor(llama: Llama, version: string, complaints: Complaints) {
    this.#llama = llama;
    this.#complaints = complaints;
    this.backend = llama.gpu || 'cpu';
    this.versions = {
      node_llama_cpp: version,
      llama_cpp: llama.llamaCppRelease.release,
    };
  }

  async loadModel(path: string, { gpuLayers, signal }: ModelOptions): Promise<Model> {
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
    refuseWithoutRollback(model, path);
    return new BindingsModel(model, this.#complaints);
  }

  dispose(): Promise<void> {
    return this.#llama.dispose();
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

  async createContext({ capacity, sequences, threads, signal }: ContextOptions): Promise<Context> {
    const onGpu = this.#model.gpuLayers > 0;
    const isSmall = this.#model.fileInsights.modelSize < SINGLE_THREAD_BYTES;
    this.#complaints.clear();
    let context: LlamaContext;
    try {
      context = await this.#model.createContext({
        contextSize: capacity + 1, // one cell stays free, see BindingsContext
        sequences,
        batchSize: onGpu ? BATCH_SIZE.gpu : BATCH_SIZE.cpu,
        threads: threads ?? (isSmall ? 1 : Math.min(this.#model.llama.cpuMathCores, availableParallelism())),
        swaFullCache: true, // a sliding window forgets what a rollback needs
        failedCreationRemedy: false,
        ...(signal && { createSignal: signal }),
      });
    } catch (error) {
      if (signal?.aborted) throw error;
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
  }

  add(level: LlamaLogLevel, text: string): void {
    const line = text.trim();
    this.#log?.(`[llama.cpp] ${line}`);
    if (level === LlamaLogLevel.error || level === LlamaLogLevel.fatal) this.#errors.push(line);
  }

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
