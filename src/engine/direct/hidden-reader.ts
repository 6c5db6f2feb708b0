import type { CallClock } from '../call-clock.js';
import type { BatchToken, HiddenState } from '../passes.js';
import type { HeadLibrary, Pointer } from './declare.js';
import type { Library } from './library.js';

/** Which hidden states the passes of a context return, and by which functions they are read. */
export interface HiddenStates {
  readonly library: HeadLibrary;
  /** How many numbers one has. */
  readonly width: number;
  /** 'all': passes return one for each token. 'wanted': for each wanted one, and tokens come with one too, as in a head. */
  readonly returned: 'all' | 'wanted';
  /** Of a head, the layer that the passes run; undefined: the first. */
  readonly layer?: number | undefined;
}

/** Reads the hidden states of a context's passes. */
export class HiddenReader {
  readonly #library: Library;
  readonly #context: Pointer;
  readonly #states: HiddenStates;

  /** Makes the context return hidden states. */
  constructor(library: Library, context: Pointer, states: HiddenStates) {
    this.#library = library;
    this.#context = context;
    this.#states = states;
    states.library.returnHidden(context, states.returned === 'all');
    if (states.layer) states.library.runLayer(context, states.layer);
  }

  get isHead(): boolean {
    return this.#states.returned === 'wanted';
  }

  /** Numbers of the hidden state that comes with each token; 0: none comes. */
  get fedWidth(): number {
    return this.isHead ? this.#states.width : 0;
  }

  /**
   * The tokens to compute logits for. Some heads return hidden states of these tokens alone, others of all tokens, and say the
   * same of both. So in a head all tokens of a pass are among them, or none.
   */
  outputsOf(batch: readonly BatchToken[]): readonly BatchToken[] {
    const wanted = wantedOf(batch);
    return this.isHead && wanted.length > 0 ? batch : wanted;
  }

  /** Copies of the hidden states of the last pass: of the wanted tokens in a head, else of all. */
  read(batch: readonly BatchToken[], clock: CallClock): HiddenState[] {
    const { library, width } = this.#states;
    if (this.isHead && !batch.some(({ wanted }) => wanted)) return [];
    const address = clock.time(() => library.hidden(this.#context));
    if (!address) throw new Error('llama.cpp has evaluated a batch and has no hidden states of it');
    const all = new Float32Array(this.#library.view(address, 4 * batch.length * width));
    return batch.flatMap(({ wanted }, i) =>
      wanted || !this.isHead ? [all.slice(i * width, (i + 1) * width)] : [],
    );
  }
}

/** The tokens of a batch whose logits are read. */
export function wantedOf(batch: readonly BatchToken[]): BatchToken[] {
  return batch.filter(({ wanted }) => wanted);
}
