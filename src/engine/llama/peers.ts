import {
  DraftSequenceTokenPredictor,
  type LlamaContextSequence,
  type LlamaModel,
  type SequenceEvaluateOptions,
  type Token,
  TokenBias,
} from 'node-llama-cpp';
import type { FinishReason, TokenId } from '../../types.js';
import type { Gpu } from '../port.js';
import type { RuntimeOptions } from '../runtime-options.js';
import { Complaints } from './complaints.js';
import { loadLlamaModel, shapeOf } from './llama-model.js';
import { sharedLlama } from './shared-llama.js';
import { BATCH_SIZE, defaultFlashAttention, defaultThreads, ggmlType } from './sizing.js';

/** The functions of node-llama-cpp that a user would call instead of this project: plain sampling, and its own drafting. */
export const PEER_NAMES = ['evaluate()', 'DraftSequenceTokenPredictor'] as const;
export type PeerName = (typeof PEER_NAMES)[number];

export interface PeerOptions extends RuntimeOptions {
  /** Path of the target model. */
  readonly target: string;
  /** Path of the draft model; evaluate() needs none. */
  readonly draft?: string | undefined;
  readonly gpu: Gpu;
  readonly gpuLayers?: number | undefined;
  readonly draftGpuLayers?: number | undefined;
  /** Interrupts the loading. */
  readonly signal?: AbortSignal | undefined;
  /** A clock, in milliseconds. */
  readonly now: () => number;
}

export interface PeerRequest {
  readonly peer: PeerName;
  readonly prompt: readonly TokenId[];
  readonly maxTokens: number;
  /** The most tokens of prompt and text together. */
  readonly contextSize: number;
  readonly temperature: number;
  readonly topK: number;
  readonly topP: number;
  readonly seed: number;
  readonly ignoreEos: boolean;
  readonly signal: AbortSignal;
  /** Called after the prompt is read, before decoding begins. */
  readonly onDecode: () => Promise<void>;
  /** Called after the last token, before anything is freed. */
  readonly onDecoded: () => Promise<void>;
}

export interface PeerText {
  /** The token that ended the text included. */
  readonly tokens: readonly TokenId[];
  /** Of these tokens, without control tokens. Each is turned by itself: a character of several tokens becomes U+FFFD. */
  readonly text: string;
  readonly finishReason: FinishReason;
  readonly prefillMs: number;
  /** Milliseconds from the start of the prefill to the first token; null: there is no token. */
  readonly firstTokenMs: number | null;
  /**
   * Milliseconds of the same span as a step's of our own loop: from the end of the prefill to the last token, and between them
   * each token is turned into text as it comes.
   */
  readonly decodeMs: number;
}

/** Generates text by node-llama-cpp's own functions and default settings, with the same files, device, threads and KV cache. */
export class Peers {
  readonly #target: LlamaModel;
  readonly #draft: LlamaModel | undefined;
  readonly #options: PeerOptions;

  private constructor(target: LlamaModel, draft: LlamaModel | undefined, options: PeerOptions) {
    this.#target = target;
    this.#draft = draft;
    this.#options = options;
  }

  /** @throws what `loadLlamaModel` throws */
  static async load(options: PeerOptions): Promise<Peers> {
    const llama = await sharedLlama(options.gpu);
    const complaints = new Complaints(undefined);
    const load = (modelPath: string, gpuLayers: number | undefined) =>
      loadLlamaModel(
        llama,
        {
          modelPath,
          gpuLayers: gpuLayers ?? 'auto',
          ...(options.signal && { loadSignal: options.signal }),
        },
        complaints,
      );
    try {
      const target = await load(options.target, options.gpuLayers);
      try {
        const draft =
          options.draft === undefined ? undefined : await load(options.draft, options.draftGpuLayers);
        return new Peers(target, draft, options);
      } catch (error) {
        await target.dispose();
        throw error;
      }
    } finally {
      complaints.dispose();
    }
  }

  async write(request: PeerRequest): Promise<PeerText> {
    const { threads, draftThreads = threads, cacheType, flashAttention } = this.#options;
    const opened: { dispose(): Promise<void> }[] = [];
    const contextOf = async (model: LlamaModel, wanted: number | undefined) => {
      const context = await model.createContext({
        contextSize: Math.min(request.contextSize, request.prompt.length + request.maxTokens) + MAX_DRAFT,
        batchSize: model.gpuLayers > 0 ? BATCH_SIZE.gpu : BATCH_SIZE.cpu,
        threads: wanted ?? defaultThreads(shapeOf(model), model.gpuLayers),
        flashAttention:
          flashAttention ?? defaultFlashAttention(shapeOf(model), model.gpuLayers, cacheType) ?? 'auto',
        experimentalKvCacheKeyType: ggmlType(cacheType),
        experimentalKvCacheValueType: ggmlType(cacheType),
        failedCreationRemedy: false,
      });
      opened.push(context);
      return context;
    };
    try {
      const target = await contextOf(this.#target, threads);
      if (request.peer === 'evaluate()') return await this.#timed(target.getSequence(), request);
      if (!this.#draft)
        throw new Error('DraftSequenceTokenPredictor needs a draft model, and none is loaded');
      const draft = await contextOf(this.#draft, draftThreads);
      const tokenPredictor = new DraftSequenceTokenPredictor(draft.getSequence(), {
        evaluateOptions: samplingOf(request, this.#draft),
      });
      try {
        return await this.#timed(target.getSequence({ tokenPredictor }), request);
      } finally {
        tokenPredictor.dispose();
      }
    } finally {
      for (const context of opened) await context.dispose();
    }
  }

  async dispose(): Promise<void> {
    await Promise.all([this.#target.dispose(), this.#draft?.dispose()]);
  }

  async #timed(target: LlamaContextSequence, request: PeerRequest): Promise<PeerText> {
    const { prompt, maxTokens, contextSize, ignoreEos, signal, onDecode, onDecoded } = request;
    const { now } = this.#options;
    const sampling = samplingOf(request, this.#target);
    const tokens: TokenId[] = [];
    let text = '';
    let firstTokenMs: number | null = null;

    const started = now();
    const read = prompt.slice(0, -1) as Token[];
    const { batchSize } = target.context;
    for (
      let at = 0;
      at < read.length && !signal.aborted;
      at += batchSize // a predictor reads along in its own model
    )
      await target.evaluateWithoutGeneratingNewTokens(read.slice(at, at + batchSize));
    const prefillMs = now() - started;
    if (signal.aborted)
      return { tokens, text, finishReason: 'interrupted', prefillMs, firstTokenMs, decodeMs: 0 };
    await onDecode();

    const room = Math.min(maxTokens, contextSize - prompt.length);
    let finishReason: FinishReason = room < maxTokens ? 'context' : 'length';
    const begun = now();
    let ended = begun;
    let before = prompt.slice(-TEXT_BEFORE) as Token[];
    for await (const token of target.evaluate(prompt.slice(-1) as Token[], sampling)) {
      ended = now();
      firstTokenMs ??= prefillMs + ended - begun;
      tokens.push(token);
      text += this.#target.detokenize([token], false, before);
      before = [...before.slice(1 - TEXT_BEFORE), token];
      if (!ignoreEos && this.#target.isEogToken(token)) finishReason = 'eos';
      else if (signal.aborted) finishReason = 'interrupted';
      else if (tokens.length < room) continue;
      break;
    }
    await onDecoded();
    return { tokens, text, finishReason, prefillMs, firstTokenMs, decodeMs: ended - begun };
  }
}

/** @returns the sampling options of both models */
function samplingOf(
  { temperature, topK, topP, seed, ignoreEos }: PeerRequest,
  model: LlamaModel,
): SequenceEvaluateOptions {
  const options = { temperature, topK, topP, minP: 0, seed, yieldEogToken: true };
  return ignoreEos ? { ...options, tokenBias: endsBanned(model) } : options;
}

function endsBanned(model: LlamaModel): TokenBias {
  const bias = TokenBias.for(model);
  // Its method `set` leaves such tokens alone, and does not say so (node-llama-cpp 3.21.1).
  const { _biases } = bias as unknown as { readonly _biases: Map<Token, number> };
  for (const token of model.iterateAllTokens())
    if (model.isEogToken(token)) _biases.set(token, Number.NEGATIVE_INFINITY);
  return bias;
}

/** Number of tokens before a token by which it is decided whether its text begins with a space. */
const TEXT_BEFORE = 4;

/** The most tokens that the predictor drafts. The context has room for them behind the text. */
const MAX_DRAFT = 16;
