import { getModuleVersion, type Llama, type LlamaContext, type LlamaModel } from 'node-llama-cpp';
import { UsageError } from '../../errors.js';
import { chatTemplates } from '../llama/chat-template.js';
import { Complaints } from '../llama/complaints.js';
import { createGrammar, readGrammar } from '../llama/grammar.js';
import { loadLlamaModel, shapeOf } from '../llama/llama-model.js';
import { refuseTooLarge } from '../llama/memory-need.js';
import { backendOf, logAll, sharedLlama } from '../llama/shared-llama.js';
import {
  BATCH_SIZE,
  contextFailure,
  defaultFlashAttention,
  defaultThreads,
  ggmlType,
  type ModelShape,
} from '../llama/sizing.js';
import { refuseWithoutRollback } from '../llama/states-kept.js';
import { templateOrigin } from '../llama/template-origin.js';
import { tokenizerOf } from '../llama/tokenizer.js';
import type { Vocabulary } from '../llama/vocabulary.js';
import type { Context, ContextOptions } from '../passes.js';
import type {
  Engine,
  EngineOptions,
  Grammar,
  GrammarSource,
  Model,
  ModelOptions,
  Tokenizer,
} from '../port.js';
import { BindingsContext } from './context.js';
import { bindingsGrammars } from './grammar.js';
import { bindingsVocabulary, templateEntries } from './vocabulary.js';

/**
 * @returns the engine that calls node-llama-cpp's public API
 * @throws UsageError when no build of llama.cpp for the wanted device runs on this machine
 */
export async function createBindingsEngine({ gpu, log }: EngineOptions): Promise<Engine> {
  const llama = await sharedLlama(gpu);
  if (log) logAll(llama);
  return new BindingsEngine(llama, await backendOf(llama), await getModuleVersion(), new Complaints(log));
}

class BindingsEngine implements Engine {
  readonly name = 'bindings';
  readonly versions;
  readonly backend: string;
  readonly #llama: Llama;
  readonly #complaints: Complaints;
  readonly #models = new Set<BindingsModel>();
  #disposed = false;

  constructor(llama: Llama, backend: string, version: string, complaints: Complaints) {
    this.#llama = llama;
    this.#complaints = complaints;
    this.backend = backend;
    this.versions = { node_llama_cpp: version, llama_cpp: llama.llamaCppRelease.release };
  }

  async loadModel(path: string, { gpuLayers, rpc, signal }: ModelOptions): Promise<Model> {
    if (rpc)
      throw new UsageError('`rpc` needs the engine direct, which does not run here, or was not chosen');
    if (this.#disposed) throw new Error('The engine was disposed of');
    const options = {
      modelPath: path,
      gpuLayers: this.backend === 'cpu' ? 0 : (gpuLayers ?? ('auto' as const)),
    };
    const model = await loadLlamaModel(
      this.#llama,
      signal ? { ...options, loadSignal: signal } : options,
      this.#complaints,
    );
    try {
      refuseWithoutRollback(model.fileInsights, path);
    } catch (error) {
      await model.dispose();
      throw error;
    }
    const bound = new BindingsModel(model, this.#complaints);
    this.#models.add(bound);
    return bound;
  }

  async checkGrammar(source: GrammarSource): Promise<void> {
    await readGrammar(source, (grammar) => this.#llama.createGrammar({ grammar }), this.#complaints);
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
  readonly chatTemplate: NonNullable<Model['chatTemplate']>;
  readonly #model: LlamaModel;
  readonly #shape: ModelShape;
  readonly #vocabulary: Vocabulary;
  readonly #complaints: Complaints;
  /** Kept here: node-llama-cpp waits for ever for a context that was garbage-collected before its disposal. */
  readonly #contexts = new Set<LlamaContext>();

  constructor(model: LlamaModel, complaints: Complaints) {
    this.#model = model;
    this.#shape = shapeOf(model);
    this.#vocabulary = bindingsVocabulary(model);
    this.tokenizer = tokenizerOf(this.#vocabulary);
    this.chatTemplate = chatTemplates(this.#vocabulary, () =>
      templateOrigin(templateEntries(model), this.#shape.filename),
    );
    this.#complaints = complaints;
  }

  async createContext(options: ContextOptions): Promise<Context> {
    const { capacity, sequences, threads, cacheType } = options;
    const { gpuLayers } = this.#model;
    const flashAttention = options.flashAttention ?? defaultFlashAttention(this.#shape, gpuLayers, cacheType);
    await refuseTooLarge(this.#shape, options, { cells: (capacity + 1) * sequences, gpuLayers });
    this.#complaints.clear();
    let context: LlamaContext;
    try {
      context = await this.#model.createContext({
        contextSize: capacity + 1, // one cell stays free, see BindingsContext
        sequences,
        batchSize: gpuLayers > 0 ? BATCH_SIZE.gpu : BATCH_SIZE.cpu,
        threads: threads ?? defaultThreads(this.#shape, gpuLayers),
        flashAttention: flashAttention ?? 'auto',
        experimentalKvCacheKeyType: ggmlType(cacheType),
        experimentalKvCacheValueType: ggmlType(cacheType),
        swaFullCache: true, // a sliding window forgets what a rollback needs
        failedCreationRemedy: false,
      });
    } catch (error) {
      throw contextFailure(this.#shape, options, await this.#complaints.summary(error), error);
    }
    this.#contexts.add(context);
    context.onDispose.createListener(() => this.#contexts.delete(context));
    return new BindingsContext(context, capacity);
  }

  createGrammar(source: GrammarSource): Promise<Grammar> {
    return createGrammar(this.#vocabulary, source, bindingsGrammars(this.#model), this.#complaints);
  }

  async dispose(): Promise<void> {
    await Promise.all([...this.#contexts].map((context) => context.dispose()));
    await this.#model.dispose();
  }
}
