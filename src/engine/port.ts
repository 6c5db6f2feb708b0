import type { ChatMessage } from '../templates/messages.js';
import type { TemplateChoice } from '../templates/open-template.js';
import type { ReasoningMarks } from '../templates/reasoning-marks.js';
import type { Mask, TokenId } from '../types.js';
import type { Context, ContextOptions } from './passes.js';

/**
 * The port: the functions that this project needs of a library that runs language models.
 * An engine contains no algorithm of this project. Only numbers and text pass through the port;
 * `passes.ts` is the part of it that evaluates tokens.
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
