import type { ChatMessage } from '../templates/messages.js';
import type { TemplateChoice } from '../templates/open-template.js';
import type { ReasoningMarks } from '../templates/reasoning-marks.js';
import type { Mask, TokenId, TopLogits } from '../types.js';

/**
 * The port: the functions that this project needs of a library that runs language models.
 * An engine contains no algorithm of this project. Only numbers and text pass through the port.
 */
export interface Engine {
  readonly name: EngineName;
  readonly versions: { readonly node_llama_cpp: string; readonly llama_cpp: string };
  /** The device that computes: 'cpu', 'cuda', 'vulkan' or 'metal'. */
  readonly backend: string;
  loadModel(path: string, options: ModelOptions): Promise<Model>;
  /** Checks a grammar without a model. @throws UsageError for a grammar that `createGrammar` would refuse */
  checkGrammar(source: GrammarSource): Promise<void>;
  /** Frees all models and contexts of this engine. A second call does nothing. */
  dispose(): Promise<void>;
}

/** 'direct' calls llama.cpp's C API, 'bindings' calls node-llama-cpp's API. */
export type EngineName = 'direct' | 'bindings';

/** The device that models run on. 'auto': the best of this machine; 'off': the processor. */
export type Gpu = 'auto' | 'cuda' | 'vulkan' | 'metal' | 'off';

export interface EngineOptions {
  readonly gpu: Gpu;
  /** Called with the log lines of llama.cpp and of the engine. */
  readonly log?: ((line: string) => void) | undefined;
}

/** How to load a model. */
export interface ModelOptions {
  /** Number of layers on the GPU; undefined: as many as fit. */
  readonly gpuLayers?: number | undefined;
  /** Whether to load the drafting head in the file too, if the engine can run it; undefined: not. */
  readonly withHead?: boolean | undefined;
  /** Other machines that compute its layers; undefined: none. */
  readonly rpc?: RpcOptions | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Machines on which llama.cpp's rpc-server runs. */
export interface RpcOptions {
  /** `host:port` each, one or more. */
  readonly servers: readonly string[];
  /** The file of llama.cpp's client library, of the release that the engine runs on. */
  readonly library: string | undefined;
}

/** A loaded model. It makes contexts, in which tokens are evaluated. */
export interface Model {
  readonly tokenizer: Tokenizer;
  /**
   * @returns the chat template of the model's file, or the chosen one; undefined: there is none, and the model only
   *   continues texts
   * @throws UsageError where the template cannot be rendered
   */
  chatTemplate?(choice?: TemplateChoice): Promise<ChatTemplate | undefined>;
  /** Whether layers keep a state of the text in place of its tokens, which can be cut back a little or not at all. */
  readonly isRecurrent?: boolean;
  /**
   * The drafting head (multi-token prediction), which works with the same weights; undefined: it was not loaded. Its contexts
   * want a hidden state beside each token, and return one for each wanted token.
   */
  readonly head?: Head | undefined;
  /** @throws ResourceError when the memory does not suffice */
  createContext(options: ContextOptions): Promise<Context>;
  /** @throws UsageError when llama.cpp cannot read the grammar */
  createGrammar(source: GrammarSource): Promise<Grammar>;
}

/** A drafting head: a layer that makes all guesses, or a chain with a layer for each guess in a row. */
export interface Head extends Model {
  /** >= 1. Each context is of one of them. */
  readonly layers: number;
}

/** A grammar, in llama.cpp's notation (GBNF) or as a JSON schema. */
export type GrammarSource =
  | { readonly gbnf: string }
  | { readonly jsonSchema: Readonly<Record<string, unknown>> };

/** A grammar in the tokens of one vocabulary. */
export interface Grammar {
  start(): GrammarState;
}

/** A position in a text that obeys a grammar. It never changes. End tokens are allowed where the text is complete. */
export interface GrammarState extends Mask {
  /** Whether the text may end here. */
  readonly isComplete: boolean;
  /** @returns the position after one more token. After an end token, or a token that is not allowed, the position has no meaning. */
  after(token: TokenId): GrammarState;
}

/** Translates between text and the tokens of one model. */
export interface Tokenizer {
  /**
   * @returns the token ids of a text, behind the leading token, if the model was trained with one
   * @param special whether the name of a control token means the token; false: it is text like any other. A leading token
   *   that the text itself names comes once
   */
  encode(text: string, special?: boolean): TokenId[];
  /** @returns a number of tokens that `encode(text)` cannot fall below, from the length of the text alone; 0: unknown */
  fewestTokens(text: string): number;
  /** @returns the text of `tokens` behind `previous`. Control tokens have no text, unless `special` asks for their names. */
  decode(tokens: readonly TokenId[], previous: readonly TokenId[], special?: boolean): string;
  /** @returns whether a token is a sign to the model and no text, such as <|im_start|> */
  isControl(token: TokenId): boolean;
  isEndOfGeneration(token: TokenId): boolean;
}

/** Turns messages into tokens. Words of the template may be control tokens; words of the messages never are. */
export interface ChatTemplate {
  /** 'own' for the template in the model's file, 'given' for the user's, else the name of a known template. */
  readonly name: string;
  /** Whether the template has a place for a system message. If not, it is written before the first question. */
  readonly takesSystem: boolean;
  /** Whether the template can switch reasoning on and off. */
  readonly hasSwitch: boolean;
  /** The marks around the reasoning before an answer; undefined: the model does not reason. */
  readonly reasoning: ReasoningMarks | undefined;
  /** Tokens that end an answer, besides the tokenizer's end-of-generation tokens. */
  readonly endTokens: ReadonlySet<TokenId>;
  /** Words that end an answer, where no token stands for them. */
  readonly endTexts: readonly string[];
  /**
   * @returns a conversation as text and tokens, up to the place where the next answer begins
   * @param written the result for the conversation so far. Its tokens are kept, if the new text begins with its text
   * @throws UsageError where the template cannot be rendered with these messages
   */
  encode(messages: readonly ChatMessage[], written?: Rendered): Promise<Rendered>;
}

/** A conversation as a template writes it, as text and as tokens. */
export interface Rendered {
  /** With the names of control tokens, without the leading token. */
  readonly text: string;
  readonly tokens: readonly TokenId[];
}

/** How the contexts of two models are evaluated. */
export interface RuntimeOptions {
  /** Number of threads, in [1..processors]; undefined: the engine chooses. */
  readonly threads?: number | undefined;
  /** Number of threads for the draft model; undefined: as `threads`. */
  readonly draftThreads?: number | undefined;
  /** Number format of both KV caches; undefined: f16. Formats with at most 8 bits need flash attention. */
  readonly cacheType?: CacheType | undefined;
  /** Undefined: on, if llama.cpp has it for this model and device, and it is no slower there. */
  readonly flashAttention?: boolean | undefined;
}

/** The size of a context, and how it computes. */
export interface ContextOptions extends Omit<RuntimeOptions, 'draftThreads'> {
  /** Tokens that each sequence can hold, >= 1. */
  readonly capacity: number;
  /** Number of sequences, in [1..256]; at most 255 where the engine needs one itself. */
  readonly sequences: number;
  /** Tokens of all sequences together, where sequences share their common prefix; undefined: capacity x sequences. */
  readonly cells?: number | undefined;
  /**
   * The most tokens of a pass that the next pass may forget, where each pass judges a whole draft; undefined: passes make
   * drafts, token by token. A model with recurrent layers keeps as many states, if it can.
   */
  readonly rollback?: number | undefined;
  /** Whether passes return the hidden state of each token, which the head goes on from; undefined: they do not. */
  readonly returnsHidden?: boolean | undefined;
  /** Of a head, the layer that the passes run, [0..layers); undefined: the first. */
  readonly headLayer?: number | undefined;
}

/** Number formats of a KV cache. */
export const CACHE_TYPES = ['f32', 'f16', 'bf16', 'q8_0', 'q5_1', 'q5_0', 'q4_1', 'q4_0'] as const;
/** A number format of a KV cache. */
export type CacheType = (typeof CACHE_TYPES)[number];

/** Whether llama.cpp has a KV cache of this format only with flash attention. Undefined: the default format. */
export function needsFlashAttention(cacheType: CacheType | undefined): boolean {
  return cacheType?.startsWith('q') ?? false;
}

/** The KV cache of one model. It holds `sequences` texts side by side, each a list of evaluated tokens. */
export interface Context {
  /** The most tokens of one sequence. */
  readonly capacity: number;
  readonly sequences: number;
  /**
   * The most tokens that a sequence can forget without forgetting all. Infinity: any. A positive number: of its last pass,
   * but for the first token of that pass, and once. 0: none; the model has recurrent layers.
   */
  readonly rollback: number;
  /** Whether one evaluation of a token can serve several sequences. A copy then costs nothing. */
  readonly sharesCells: boolean;
  /** The most tokens of one pass of the model, and the best number for a long prompt. */
  readonly batchSize: number;
  /**
   * The number of tokens that each sequence holds, [sequences]. After a failure each sequence holds the tokens it held
   * before the batch, or fewer of them.
   */
  readonly held: readonly number[];
  /** The fewest tokens to which each sequence can be cut back without forgetting all, [sequences]; 0: any number. */
  readonly least: readonly number[];
  /**
   * Carries out `keeps` in order, evaluates `batch`, and reads its logits. No other call comes in between. A batch of at most
   * `batchSize` tokens is one pass of the model. An empty batch only forgets and copies.
   * @throws RangeError where the sequences do not hold the tokens that the pass needs, or cannot be cut back to them; nothing
   *   has happened then
   */
  run(pass: Pass): Promise<PassAnswer>;
  dispose(): Promise<void>;
}

/** The work of one call: tokens to keep, tokens to evaluate, logits to read. */
export interface Pass {
  readonly keeps: readonly Keep[];
  readonly batch: readonly BatchToken[];
  readonly read: ReadRequest;
}

/**
 * Makes `sequence` hold the first `length` tokens of `from`, and nothing else. If `from` is the sequence itself, it forgets
 * the tokens behind them. Else it becomes a copy. A sequence that can only be cut back a little is copied as a whole. An engine that cannot copy empties it; where cells are shared, every
 * engine can copy.
 */
export interface Keep {
  readonly sequence: number;
  /** A sequence that holds at least `length` tokens. */
  readonly from: number;
  /** Number of first tokens in which both are known to be equal, which are left alone; `length` where `from` is `sequence`. */
  readonly alike: number;
  /** In tokens, >= 0. */
  readonly length: number;
}

/** A model's last hidden state at a token, after the output norm. */
export type HiddenState = Float32Array;

/** The result of a pass. */
export interface PassAnswer {
  /** One row per wanted token, in the batch's order. */
  readonly rows: readonly TopLogits[];
  /** The hidden state after each token of the batch; of a head, after each wanted one. Undefined: none were asked for. */
  readonly hidden?: readonly HiddenState[] | undefined;
  /** Time inside llama.cpp's calls, in milliseconds. The rest of the time (copying, reading logits) is the engine's own. */
  readonly ms: number;
  /** Time that the pass waited for earlier ones of the engine before it began, in milliseconds; 0 where none was running. */
  readonly waitMs: number;
}

/** A token to evaluate, as in llama.cpp's llama_batch. */
export interface BatchToken {
  readonly token: TokenId;
  /** The length of its sequences so far, in [0..capacity). */
  readonly position: number;
  /** The sequences in [0..sequences) to append it to: one; where cells are shared, all that hold the same text. */
  readonly sequences: readonly number[];
  /** Whether to read the logits of the token that may follow. */
  readonly wanted: boolean;
  /** In a head, the hidden state at the token before; undefined: zeros. */
  readonly hidden?: HiddenState | undefined;
  /** The tokens that may follow. Others are left out, as if the vocabulary lacked them. Undefined: all. */
  readonly mask?: Mask | undefined;
}

/** The logits to read at each wanted token. */
export interface ReadRequest {
  /** The number of largest logits; 0: all. Among equals for the last place the engine chooses. See `largestAllowed`. */
  readonly top: number;
  /** Token ids from this number on are left out, as if the vocabulary ended before it; undefined: none. */
  readonly vocabularySize?: number | undefined;
  /** Whether each row can tell its log-sum-exp over the whole vocabulary, tokens left out or masked included. */
  readonly logSumExp: boolean;
}
