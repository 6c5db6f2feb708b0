import {
  type GbnfJsonSchema,
  type Llama,
  type LlamaGrammar,
  LlamaGrammarEvaluationState,
  type LlamaModel,
  type Token,
} from 'node-llama-cpp';
import { UsageError } from '../errors.js';
import type { TokenId } from '../types.js';
import type { Complaints } from './complaints.js';
import type { Grammar, GrammarSource, GrammarState } from './engine.js';

/** The grammar in the tokens of this model, of which only the vocabulary is needed. @throws as `parseGrammar` */
export async function createGrammar(
  model: LlamaModel,
  source: GrammarSource,
  complaints: Complaints,
): Promise<Grammar> {
  const grammar = await parseGrammar(model.llama, source, complaints);
  return { start: () => new LlamaGrammarState(model, new LlamaGrammarEvaluationState({ model, grammar })) };
}

/** What llama.cpp logs after it has printed a syntax error straight to standard error, where nobody can catch it. */
const UNSAID = 'failed to parse grammar';

/** @throws UsageError when llama.cpp cannot read it */
export async function parseGrammar(
  llama: Llama,
  source: GrammarSource,
  complaints: Complaints,
): Promise<LlamaGrammar> {
  complaints.clear();
  try {
    const text = 'gbnf' in source ? source.gbnf : await gbnfOf(llama, source.jsonSchema);
    return await llama.createGrammar({ grammar: text });
  } catch (cause) {
    const reason = await complaints.summary(cause);
    const where = reason === UNSAID ? '; it has said why on its own, before this line' : '';
    throw new UsageError(`llama.cpp cannot read the grammar: ${reason}${where}`, { cause });
  }
}

const NUMBER = '"-"? ("0" | [1-9] [0-9]{0,15})';
const CHARACTER = '[^"\\\\\\x7F\\x00-\\x1F]';
const EXPONENT = ' ([eE] [-+]? ("0" | [1-9] [0-9]{0,15}))?';

/**
 * node-llama-cpp's grammar for a schema, with four repairs. Its four newlines after the value, meant for models that do
 * not end by themselves, are dropped: an end token is then all that is allowed. 1e-3 is no integer. No exponent has more
 * than two digits, since 1e999 is no number to JSON.parse. No byte sequence counts as a character that is none.
 */
async function gbnfOf(llama: Llama, schema: object): Promise<string> {
  const { grammar } = await llama.createGrammarForJsonSchema<GbnfJsonSchema>(schema as never);
  return grammar
    .replace(/ "(\\n){4}" \[\\n\]\*$/m, '')
    .replaceAll(CHARACTER, String.raw`[ !#-[\]-~\u0080-\uD7FF\uE000-\U0010FFFF]`)
    .replaceAll(NUMBER + EXPONENT, NUMBER)
    .replaceAll(EXPONENT, ' ([eE] [-+]? [0-9]{1,2})?');
}

/** What node-llama-cpp's own sampler calls, which it does not export. */
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
      this.#isWritten(token as Token);
    this.#known.set(token, allowed);
    return allowed;
  }

  after(token: TokenId): GrammarState {
    if (this.#model.isEogToken(token as Token) || !this.allows(token)) return NOWHERE; // llama.cpp would not survive
    const next = this.#state.clone();
    this.#native.acceptGrammarEvaluationStateToken(nativeOf(next), token);
    return new LlamaGrammarState(this.#model, next);
  }

  /** To llama.cpp's grammar control tokens are text, <|im_start|> for one; in the output they are none. */
  #isWritten(token: Token): boolean {
    const { control, unknown } = this.#model.getTokenAttributes(token);
    return !(control || unknown) || this.#model.isEogToken(token);
  }
}

function nativeOf(state: LlamaGrammarEvaluationState): object {
  return (state as unknown as { _state: object })._state;
}

/** After the end: what is read there is part of no text. */
const NOWHERE: GrammarState = { isComplete: true, allows: () => true, after: () => NOWHERE };
