import type { ChatMessage } from '../templates/messages.js';
import type { TemplateChoice } from '../templates/open-template.js';
import type { ReasoningMarks } from '../templates/reasoning-marks.js';
import type { Mask, TokenId, TopLogits } from '../types.js';

/**
 * The port: what this project needs of a library that runs language models.
 * Engines contain no algorithm, and nothing of theirs passes through here but numbers and text.
 */
export interface Engine {
  readonly name: EngineName;
  readonly versions: { readonly node_llama_cpp: string; readonly llama_cpp: string };
  /** 'cpu', 'cuda', 'vulkan' or 'metal' */
  readonly backend: string;
  loadModel(path: string, options: ModelOptions): Promise<Model>;
  /** @throws UsageError for what `createGrammar` would refuse; no model is needed to tell */
  checkGrammar(source: GrammarSource): Promise<void>;
  /** Frees everything loaded through this engine. Idempotent. */
  dispose(): Promise<void>;
}

/** 'direct' calls llama.cpp's C API, 'bindings' node-llama-cpp's own. */
export type EngineName = 'direct' | 'bindings';

/** What a model runs on; 'auto' = the best that there is. */
export type Gpu = 'auto' | 'cuda' | 'vulkan' | 'metal' | 'off';

export interface EngineOptions {
  readonly gpu: Gpu;
  /** Receives llama.cpp's own log lines, and what an engine has to say about itself. */
  readonly log?: ((line: string) => void) | undefined;
}

/** How to load a model. */
export interface ModelOptions {
  /** Layers kept on the GPU; undefined = as many as fit. */
  readonly gpuLayers?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** A loaded model: how it reads text, and memory to evaluate tokens in. */
export interface Model {
  readonly tokenizer: Tokenizer;
  /**
   * How the model was trained to be talked to, or the template that is chosen for it; undefined = not at all, it writes on.
   * @throws UsageError where the template cannot be rendered
   */
  chatTemplate?(choice?: TemplateChoice): Promise<ChatTemplate | undefined>;
  /** @throws ResourceError when the memory does not suffice */
  createContext(options: ContextOptions): Promise<Context>;
  /** @throws UsageError when llama.cpp cannot read it */
  createGrammar(source: GrammarSource): Promise<Grammar>;
}

/** llama.cpp's own notation, or a JSON schema. */
export type GrammarSource =
  | { readonly gbnf: string }
  | { readonly jsonSchema: Readonly<Record<string, unknown>> };

/** What a text must look like, in the tokens of one vocabulary. */
export interface Grammar {
  start(): GrammarState;
}

/** A place in a text that obeys a grammar. Never changes. An end token is allowed where the text is complete. */
export interface GrammarState extends Mask {
  /** Whether the text may end here. */
  readonly isComplete: boolean;
  /** The place after one more token; after an end token or one that is not allowed, where nothing matters any more. */
  after(token: TokenId): GrammarState;
}

/** Between text and the tokens of one model. */
export interface Tokenizer {
  /**
   * Token ids of a text, behind the leading token that the model was trained with.
   * @param special whether the names of control tokens stand for them; else they are text as any other. A leading token
   *   that the text names itself comes once
   */
  encode(text: string, special?: boolean): TokenId[];
  /** Tokens that `encode(text)` has at least, as far as the length of the text tells, without reading it; 0 = it does not. */
  fewestTokens(text: string): number;
  /** The text of `tokens` as it reads after `previous`; control tokens have none, unless `special` asks for their names. */
  decode(tokens: readonly TokenId[], previous: readonly TokenId[], special?: boolean): string;
  /** Whether a token is a sign to the model and no text, as <|im_start|> is. */
  isControl(token: TokenId): boolean;
  isEndOfGeneration(token: TokenId): boolean;
}

/** Messages become tokens: the template's own words may be control tokens, those of the messages never are. */
export interface ChatTemplate {
  /** 'own' = the one in the model's file, 'given', or the name of a known one. */
  readonly name: string;
  /** Whether it has a place for a system message. Without one, that stands before the first question. */
  readonly takesSystem: boolean;
  /** Whether it has a switch for reasoning. */
  readonly hasSwitch: boolean;
  /** Where the model says what it reasons before it answers; undefined = it does not. */
  readonly reasoning: ReasoningMarks | undefined;
  /** What ends an answer, besides the tokenizer's end-of-generation tokens. Words where no token stands for them. */
  readonly endTokens: ReadonlySet<TokenId>;
  readonly endTexts: readonly string[];
  /**
   * A conversation up to where the next answer begins.
   * @param written how it was written so far: those tokens are kept where the text still begins so
   * @throws UsageError where the template cannot be rendered with these messages
   */
  encode(messages: readonly ChatMessage[], written?: Rendered): Promise<Rendered>;
}

/** What a template makes of messages, and the same as tokens. */
export interface Rendered {
  /** Names of control tokens included, without the leading token. */
  readonly text: string;
  readonly tokens: readonly TokenId[];
}

/** How the contexts of two models are evaluated. */
export interface RuntimeOptions {
  /** [1..processors], undefined = chosen by the engine. */
  readonly threads?: number | undefined;
  /** The same for the draft model; undefined = as `threads`. */
  readonly draftThreads?: number | undefined;
  /** Number format of both KV caches; undefined = f16. Those with 8 bits and less need flash attention. */
  readonly cacheType?: CacheType | undefined;
  /** Undefined = where llama.cpp has it for model and device. */
  readonly flashAttention?: boolean | undefined;
}

/** How much a context holds, and how it is evaluated. */
export interface ContextOptions extends Omit<RuntimeOptions, 'draftThreads'> {
  /** Tokens that each sequence can hold, >= 1. */
  readonly capacity: number;
  /** [1..256], or one less where the engine needs one itself. */
  readonly sequences: number;
  /** Tokens held in all where sequences share what they have in common; undefined = capacity x sequences. */
  readonly cells?: number | undefined;
}

/** Number formats that a KV cache can be kept in. */
export const CACHE_TYPES = ['f32', 'f16', 'bf16', 'q8_0', 'q5_1', 'q5_0', 'q4_1', 'q4_0'] as const;
/** A number format of a KV cache. */
export type CacheType = (typeof CACHE_TYPES)[number];

/** Memory of one model: `sequences` texts side by side, each a list of evaluated tokens. */
export interface Context {
  /** Tokens per sequence. */
  readonly capacity: number;
  readonly sequences: number;
  /** Whether a token can be evaluated for several sequences at once, and a copy costs nothing. */
  readonly sharesCells: boolean;
  /** Tokens worth evaluating at once in a long prompt. */
  readonly batchSize: number;
  /**
   * Tokens that each sequence holds, [sequences]. After a failure too: each then holds what it held before the batch, or less
   * of that.
   */
  readonly held: readonly number[];
  /**
   * Forgets, copies, evaluates and reads, with nothing of another call in between: what the sequences keep, in order, then
   * the batch, in one pass of the model if it is no larger than batchSize. An empty batch only forgets and copies.
   * @throws RangeError where the sequences do not hold what the pass takes for granted; nothing has happened then
   */
  run(pass: Pass): Promise<PassAnswer>;
  dispose(): Promise<void>;
}

/** One round through a model. */
export interface Pass {
  readonly keeps: readonly Keep[];
  readonly batch: readonly BatchToken[];
  readonly read: ReadRequest;
}

/**
 * A sequence is to hold the first `length` tokens of `from` and nothing else. Where `from` is the sequence itself it forgets
 * the tokens behind them; else it is made a copy, or holds nothing where the engine cannot copy, which it always can where
 * cells are shared.
 */
export interface Keep {
  readonly sequence: number;
  /** A sequence that holds as many tokens. */
  readonly from: number;
  /** Tokens at the beginning in which both are known to be alike, which are left alone; `length` where both are the same. */
  readonly alike: number;
  /** Tokens. */
  readonly length: number;
}

/** What a pass found. */
export interface PassAnswer {
  /** One row per wanted token, in the batch's order. */
  readonly rows: readonly TopLogits[];
  /** Time inside calls of llama.cpp, in milliseconds. The rest of a pass is the engine's own: copying, reading logits. */
  readonly ms: number;
}

/** One token to evaluate, as in llama.cpp's llama_batch. */
export interface BatchToken {
  readonly token: TokenId;
  /** [0..capacity), the length of its sequences so far. */
  readonly position: number;
  /** Sequences in [0..sequences) that it is appended to: one, or where cells are shared all that hold the same text. */
  readonly sequences: readonly number[];
  /** Whether to read what may follow it. */
  readonly wanted: boolean;
  /** Tokens that may follow it: others are read as if the vocabulary lacked them. Undefined = all. */
  readonly mask?: Mask | undefined;
}

/** What to read at each wanted token. */
export interface ReadRequest {
  /** How many of the largest logits, 0 = all; among equals at the last place the engine chooses. See largestAllowed. */
  readonly top: number;
  /** Ids from here on are left out, as if the vocabulary ended before; undefined = it is read to its end. */
  readonly vocabularySize?: number | undefined;
  /** Whether rows can tell their sum over the whole vocabulary, whatever is left out or masked. */
  readonly logSumExp: boolean;
}
