import { type LlamaGrammar, LlamaGrammarEvaluationState, type LlamaModel } from 'node-llama-cpp';
import type { TokenId } from '../../types.js';
import type { NativePosition, ReadGrammar } from '../llama/grammar.js';

/** @returns how node-llama-cpp reads a grammar for a model */
export function bindingsGrammars(model: LlamaModel): ReadGrammar {
  return async (gbnf) => {
    const grammar: LlamaGrammar = await model.llama.createGrammar({ grammar: gbnf });
    return () => new BindingsPosition(model, new LlamaGrammarEvaluationState({ model, grammar }));
  };
}

/** The functions that node-llama-cpp's own sampler calls. The library does not export their types. */
interface Native {
  canBeNextTokenForGrammarEvaluationState(state: object, token: TokenId): boolean;
  acceptGrammarEvaluationStateToken(state: object, token: TokenId): void;
}

class BindingsPosition implements NativePosition {
  readonly #model: LlamaModel;
  readonly #state: LlamaGrammarEvaluationState;
  readonly #native: Native;

  constructor(model: LlamaModel, state: LlamaGrammarEvaluationState) {
    this.#model = model;
    this.#state = state;
    this.#native = (model.llama as unknown as { _bindings: { AddonSampler: Native } })._bindings.AddonSampler;
  }

  allows(token: TokenId): boolean {
    return this.#native.canBeNextTokenForGrammarEvaluationState(nativeOf(this.#state), token);
  }

  after(token: TokenId): NativePosition {
    const next = this.#state.clone();
    this.#native.acceptGrammarEvaluationStateToken(nativeOf(next), token);
    return new BindingsPosition(this.#model, next);
  }
}

function nativeOf(state: LlamaGrammarEvaluationState): object {
  return (state as unknown as { _state: object })._state;
}
