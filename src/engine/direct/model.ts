import pLimit from 'p-limit';
import { ResourceError } from '../../errors.js';
import { chatTemplates } from '../llama/chat-template.js';
import type { Complaints } from '../llama/complaints.js';
import { createGrammar } from '../llama/grammar.js';
import { refuseTooLarge } from '../llama/memory-need.js';
import {
  BATCH_SIZE,
  contextFailure,
  defaultFlashAttention,
  defaultThreads,
  ggmlType,
  type ModelShape,
} from '../llama/sizing.js';
import { statesKept } from '../llama/states-kept.js';
import { templateOrigin } from '../llama/template-origin.js';
import { tokenizerOf } from '../llama/tokenizer.js';
import type { Vocabulary } from '../llama/vocabulary.js';
import type { Context, ContextOptions } from '../passes.js';
import type { Grammar, GrammarSource, Head, Model, Tokenizer } from '../port.js';
import { DirectContext } from './context.js';
import type { Pointer } from './declare.js';
import { directGrammars } from './grammar.js';
import type { HiddenStates } from './hidden-reader.js';
import { CONTEXT_DEFAULTS, CONTEXT_TYPE, type ContextParams } from './layout.js';
import type { Installed, Library } from './library.js';
import { directShape } from './shape.js';
import type { ThreadPools } from './thread-pools.js';
import { directTemplateEntries, directVocabulary } from './vocabulary.js';

/** The objects that all models of an engine share. */
export interface Parts {
  readonly installed: Installed;
  readonly library: Library;
  readonly complaints: Complaints;
  readonly pools: ThreadPools;
}

/** How a model was loaded. */
export interface Loaded {
  readonly path: string;
  readonly pointer: Pointer;
  readonly gpuLayers: number;
  /** Whether other machines compute layers. */
  readonly isElsewhere: boolean;
  readonly withHead: boolean;
}

/** Owns the weights and their contexts. It frees the contexts first. */
export class DirectModel implements Model {
  readonly tokenizer: Tokenizer;
  readonly chatTemplate: NonNullable<Model['chatTemplate']>;
  readonly isRecurrent: boolean;
  readonly head: Head | undefined;
  readonly #parts: Parts;
  readonly #shape: ModelShape;
  readonly #vocabulary: Vocabulary;
  readonly #gpuLayers: number;
  readonly #isElsewhere: boolean;
  readonly #contexts = new Set<DirectContext>();
  readonly #exclusively = pLimit(1);
  #pointer: Pointer | undefined;

  constructor({ path, pointer, gpuLayers, isElsewhere, withHead }: Loaded, parts: Parts) {
    const { library, installed } = parts;
    this.#pointer = pointer;
    this.#shape = directShape(path, pointer, installed);
    this.#vocabulary = directVocabulary(library, () => this.#alive());
    this.tokenizer = tokenizerOf(this.#vocabulary);
    this.chatTemplate = chatTemplates(this.#vocabulary, () =>
      templateOrigin(directTemplateEntries(library, this.#alive(), this.#vocabulary), this.#shape.filename),
    );
    this.isRecurrent = library.isRecurrent(pointer);
    this.#gpuLayers = gpuLayers;
    this.#isElsewhere = isElsewhere;
    this.#parts = parts;
    this.head = withHead
      ? {
          layers: library.headLayers(pointer),
          tokenizer: this.tokenizer,
          createGrammar: (source) => this.createGrammar(source),
          createContext: (options) => this.#createContext(options, 'head'),
        }
      : undefined;
  }

  #alive(): Pointer {
    if (this.#pointer === undefined) throw new Error('The model was disposed of');
    return this.#pointer;
  }

  createContext(options: ContextOptions): Promise<Context> {
    return this.#createContext(options, 'model');
  }

  #createContext(options: ContextOptions, type: keyof typeof CONTEXT_TYPE): Promise<Context> {
    return this.#exclusively(async () => {
      const model = this.#alive();
      if (this.#isElsewhere && this.#contexts.size > 0)
        throw new ResourceError('A target on other machines (`rpc`) has one context at a time'); // its servers keep one graph
      const { capacity, sequences, cells: wanted = capacity * sequences, rollback = 0 } = options;
      const { library, pools } = this.#parts;
      const slidingWindow = library.slidingWindow(model);
      const isRecurrent = this.isRecurrent && type === 'model';
      const kept = isRecurrent ? statesKept(this.#shape.architecture, rollback) : 0;
      const states = isRecurrent ? sequences * (1 + kept) : 0;
      const ownSequences = slidingWindow > 0 ? 1 : 0; // see CellKeeper
      const layers = type === 'head' ? library.headLayers(model) : undefined;
      const size = { cells: wanted, states, layers, gpuLayers: this.#gpuLayers, ownSequences };
      await refuseTooLarge(this.#shape, options, size);
      const onGpu = this.#gpuLayers > 0;
      // llama.cpp ends the process over a batch that is larger than its cache, or not large enough for all sequences.
      const cells = Math.max(wanted, sequences);
      // And where the last tokens of a pass, of which it keeps the states, do not fit into one.
      const fewest = Math.max(sequences, states > 0 ? rollback + 2 : 1);
      const batchSize = Math.max(fewest, Math.min(cells, onGpu ? BATCH_SIZE.gpu : BATCH_SIZE.cpu));
      const threads = options.threads ?? defaultThreads(this.#shape, this.#gpuLayers);
      const pool = pools.ofSize(threads);
      const vocabularySize = library.vocabularySize(model);
      const pointer = await this.#initContext(model, options, {
        n_ctx: cells,
        n_batch: batchSize,
        n_ubatch: batchSize,
        n_rs_seq: isRecurrent ? rollback : 0,
        n_threads: threads,
        n_threads_batch: threads,
        ctx_type: CONTEXT_TYPE[type],
      });
      library.threadPoolAttach(pointer, pool.pointer);
      const context = new DirectContext(library, pointer, pool, {
        capacity,
        sequences,
        batchSize,
        vocabularySize,
        slidingWindow,
        statesKept: isRecurrent ? library.statesKept(pointer) : undefined,
        hidden: this.#hiddenStates(model, type, options),
        device: this.#isElsewhere ? 'network' : onGpu ? 'gpu' : 'processor',
        onDispose: () => this.#contexts.delete(context),
      });
      this.#contexts.add(context);
      return context;
    });
  }

  #hiddenStates(
    model: Pointer,
    type: keyof typeof CONTEXT_TYPE,
    { returnsHidden = false, headLayer: layer }: ContextOptions,
  ): HiddenStates | undefined {
    const { library } = this.#parts;
    if (!library.heads || (type === 'model' && !returnsHidden)) return undefined;
    const returned = type === 'head' ? 'wanted' : 'all';
    return { library: library.heads, width: library.hiddenWidth(model), returned, layer };
  }

  async createGrammar(source: GrammarSource): Promise<Grammar> {
    const { installed, library, complaints } = this.#parts;
    const read = directGrammars(installed, () => library.native.llama_model_get_vocab!(this.#alive()));
    return createGrammar(this.#vocabulary, source, read, complaints);
  }

  dispose(): Promise<void> {
    return this.#exclusively(async () => {
      await Promise.all([...this.#contexts].map((context) => context.dispose()));
      const pointer = this.#pointer;
      this.#pointer = undefined;
      if (pointer !== undefined) await this.#parts.library.modelFree(pointer);
    });
  }

  async #initContext(
    model: Pointer,
    options: ContextOptions,
    params: Partial<ContextParams>,
  ): Promise<Pointer> {
    const { sequences, cacheType } = options;
    const flashAttention =
      options.flashAttention ?? defaultFlashAttention(this.#shape, this.#gpuLayers, cacheType);
    const { installed, library, complaints } = this.#parts;
    complaints.clear();
    const all = {
      ...CONTEXT_DEFAULTS,
      ...params,
      n_seq_max: sequences,
      flash_attn_type:
        flashAttention === undefined ? CONTEXT_DEFAULTS.flash_attn_type : Number(flashAttention),
      type_k: ggmlType(cacheType),
      type_v: ggmlType(cacheType),
      swa_full: true, // a sliding window forgets what a rollback needs
      kv_unified: true,
    };
    const init = () => library.contextInit(model, all);
    const pointer = (await init()) ?? (await installed.heard(init)); // once more, to hear why
    if (pointer) return pointer;
    throw contextFailure(this.#shape, options, await complaints.summary('it does not say why'));
  }
}
