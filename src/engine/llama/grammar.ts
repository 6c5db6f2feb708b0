import {
  type Llama,
  type LlamaGrammar,
  LlamaGrammarEvaluationState,
  type LlamaModel,
  type Token,
} from 'node-llama-cpp';
import { UsageError } from '../../errors.js';
import type { TokenId } from '../../types.js';
import type { Grammar, GrammarSource, GrammarState } from '../port.js';
import type { Complaints } from './complaints.js';
import { isControlToken } from './control-tokens.js';
import { checkGbnf, withTokenIds } from './gbnf.js';
import { gbnfOfSchema } from './schema-grammar.js';

/**
 * @returns the grammar in the tokens of this model. Only the model's vocabulary is needed.
 * @throws UsageError when llama.cpp cannot read the grammar, or the grammar needs a token that no text of this model has
 */
export async function createGrammar(
  model: LlamaModel,
  source: GrammarSource,
  complaints: Complaints,
): Promise<Grammar> {
  const idOf = (name: string, isExcluded: boolean) => tokenNamed(model, name, isExcluded);
  const grammar = await parseGrammar(model.llama, source, complaints, idOf);
  return { start: () => new LlamaGrammarState(model, new LlamaGrammarEvaluationState({ model, grammar })) };
}

/** llama.cpp logs this after a syntax error. The error itself goes straight to standard error, where it cannot be caught. */
const UNSAID = 'failed to parse grammar';

/**
 * @param idOf gives the id of a token that the grammar names; without a model any id will do
 * @throws UsageError when llama.cpp cannot read the grammar
 */
export async function parseGrammar(
  llama: Llama,
  source: GrammarSource,
  complaints: Complaints,
  idOf: (name: string, isExcluded: boolean) => TokenId = () => 0,
): Promise<LlamaGrammar> {
  complaints.clear();
  try {
    const text = 'gbnf' in source ? source.gbnf : await gbnfOfSchema(llama, source.jsonSchema);
    checkGbnf(text);
    return await llama.createGrammar({ grammar: withTokenIds(text, idOf) });
  } catch (cause) {
    if (cause instanceof UsageError) throw cause;
    const reason = await complaints.summary(cause);
    const where = reason === UNSAID ? '; it has said why on its own, before this line' : '';
    throw new UsageError(`llama.cpp cannot read the grammar: ${reason}${where}`, { cause });
  }
}

/**
 * @returns the token that a grammar names by `<text>` or `<[id]>`
 * @param isExcluded whether the grammar means any other token
 * @throws UsageError when there is no such token, or it is a control token, which no text contains
 */
function tokenNamed(model: LlamaModel, name: string, isExcluded: boolean): TokenId {
  const size = model.fileInfo.metadata.tokenizer?.ggml?.tokens?.length ?? 0;
  const [, id] = /^<\[(\d+)\]>$/.exec(name) ?? [];
  const [token, ...more] = id === undefined ? model.tokenize(name, true) : [Number(id) as Token];
  if (token === undefined || more.length > 0 || token >= size)
    throw new UsageError(`The grammar names ${name}, which is no token of this model`);
  if (!isExcluded && !isWritten(model, token))
    throw new UsageError(
      `The grammar names ${name}, a control token, and these are never written; a text ends where its grammar is complete`,
    );
  return token;
}

/** The functions that node-llama-cpp's own sampler calls. The library does not export their types. */
interface Native {
  canBeNextTokenForGrammarEvaluationState(state: object, token: TokenId): boolean;
  acceptGrammarEvaluationStateToken(state: object, token: TokenId): void;
}

class LlamaGrammarState implements GrammarState {
  readonly #model: LlamaModel;
  readonly #state: LlamaGrammarEvaluationState;
  readonly #native: Native;
  readonly #known = new Map<TokenId, boolean>(); // target and draft ask about much the same tokens

  constructor(model: LlamaModel, state: LlamaGrammarEvaluationState) {
    this.#model = model;
    this.#state = state;
    this.#native = (model.llama as unknown as { _bindings: { AddonSampler: Native } })._bindings.AddonSampler;
  }

  get isComplete(): boolean {
    const { eos, eot } = this.#model.tokens;
    return [eos, eot].some((token) => token !== null && this.allows(token));
  }

  allows(token: TokenId): boolean {
    const known = this.#known.get(token);
    if (known !== undefined) return known;
    const allowed =
      this.#native.canBeNextTokenForGrammarEvaluationState(nativeOf(this.#state), token) &&
      (isWritten(this.#model, token as Token) || this.#model.isEogToken(token as Token));
    this.#known.set(token, allowed);
    return allowed;
  }

  after(token: TokenId): GrammarState {
    if (this.#model.isEogToken(token as Token) || !this.allows(token)) return NOWHERE; // llama.cpp would not survive
    const next = this.#state.clone();
    this.#native.acceptGrammarEvaluationStateToken(nativeOf(next), token);
    return new LlamaGrammarState(this.#model, next);
  }
}

/** llama.cpp's grammar takes a control token for the text of its name, such as <|im_start|>; in the output it has no text. */
function isWritten(model: LlamaModel, token: Token): boolean {
  return !isControlToken(model, token) && !model.isEogToken(token);
}

function nativeOf(state: LlamaGrammarEvaluationState): object {
  return (state as unknown as { _state: object })._state;
}

/** The position after the end. Tokens that are read there belong to no text. */
const NOWHERE: GrammarState = { isComplete: true, allows: () => true, after: () => NOWHERE };
