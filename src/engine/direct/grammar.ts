import type { TokenId } from '../../types.js';
import type { NativePosition, ReadGrammar } from '../llama/grammar.js';
import type { Pointer } from './declare.js';
import type { Installed, Library } from './library.js';

/**
 * @param vocabulary throws where its model is gone; null: to see whether llama.cpp can read a grammar, and no more
 * @returns how llama.cpp reads a grammar
 */
export function directGrammars(installed: Installed, vocabulary: (() => Pointer) | null): ReadGrammar {
  const { library, heard } = installed;
  const candidate = new Candidate(library, vocabulary ?? (() => 0n));
  const read = async (gbnf: string): Promise<Pointer | null> =>
    library.native.llama_sampler_init_grammar!(vocabulary?.() ?? null, gbnf, 'root');
  return async (gbnf) => {
    const sampler = await heard(() => read(gbnf));
    if (sampler === null) throw new Error('it gives no reason');
    const begin = new DirectPosition(library, sampler, candidate);
    return () => begin;
  };
}

/** Frees the samplers of positions that are forgotten. */
const forgotten = new FinalizationRegistry<() => void>((free) => free());

class DirectPosition implements NativePosition {
  readonly #library: Library;
  readonly #sampler: Pointer;
  readonly #candidate: Candidate;

  constructor(library: Library, sampler: Pointer, candidate: Candidate) {
    this.#library = library;
    this.#sampler = sampler;
    this.#candidate = candidate;
    const free = library.native.llama_sampler_free!;
    forgotten.register(this, () => free(sampler));
  }

  allows(token: TokenId): boolean {
    return this.#candidate.survives(this.#sampler, token);
  }

  after(token: TokenId): NativePosition {
    this.#candidate.check();
    const { llama_sampler_clone: clone, llama_sampler_accept: accept } = this.#library.native;
    const next: Pointer = clone!(this.#sampler);
    accept!(next, token);
    return new DirectPosition(this.#library, next, this.#candidate);
  }
}

/** Of llama_token_data_array, by `layout.ts`. */
const ARRAY_BYTES = 32;

/** A llama_token_data_array of one token, with the token behind it. */
class Candidate {
  readonly #library: Library;
  /** The array's fields: data, size, selected, sorted. The token's: id, logit, p. */
  readonly #memory = new DataView(new ArrayBuffer(ARRAY_BYTES + 12));
  readonly #address: Pointer;

  /** @param check throws where the vocabulary is gone: llama.cpp would read freed memory */
  constructor(
    library: Library,
    readonly check: () => unknown,
  ) {
    this.#library = library;
    this.#address = library.addressOf(this.#memory.buffer);
    this.#memory.setBigUint64(8, 1n, true);
  }

  /** @returns whether a sampler leaves a token its logit */
  survives(sampler: Pointer, token: TokenId): boolean {
    this.check();
    this.#memory.setBigUint64(0, this.#address + BigInt(ARRAY_BYTES), true);
    this.#memory.setInt32(ARRAY_BYTES, token, true);
    this.#memory.setFloat32(ARRAY_BYTES + 4, 0, true);
    this.#library.native.llama_sampler_apply!(sampler, this.#address);
    return this.#memory.getFloat32(ARRAY_BYTES + 4, true) === 0;
  }
}
