import type { BatchToken } from '../passes.js';
import type { Pointer } from './declare.js';
import type { Library, NativeBatch } from './library.js';

/** The memory of a llama_batch. All passes of a context share it. */
export class BatchMemory {
  readonly #sequences: number;
  readonly #tokens: Int32Array;
  readonly #positions: Int32Array;
  readonly #counts: Int32Array; // sequences of each token
  readonly #ids: Int32Array; // [size x sequences]
  readonly #outputs: Int8Array;
  readonly #hidden: Float32Array | undefined; // [size x width]
  readonly #width: number;
  readonly #native: Omit<NativeBatch, 'n_tokens'>;
  readonly #rows: BigUint64Array; // where the ids of each token begin; kept, since `#native` knows only its address

  /**
   * Makes room for `size` tokens, each of up to `sequences` sequences.
   * @param width numbers of the hidden state beside each token; 0: there is none
   */
  constructor(library: Library, size: number, sequences: number, width = 0) {
    const address = (array: { buffer: ArrayBufferLike }): Pointer =>
      library.addressOf(array.buffer as ArrayBuffer);
    this.#sequences = sequences;
    this.#tokens = new Int32Array(new ArrayBuffer(4 * size)); // a buffer of its own does not move in memory
    this.#positions = new Int32Array(new ArrayBuffer(4 * size));
    this.#counts = new Int32Array(new ArrayBuffer(4 * size));
    this.#ids = new Int32Array(new ArrayBuffer(4 * size * sequences));
    this.#outputs = new Int8Array(new ArrayBuffer(size));
    this.#width = width;
    this.#hidden = width > 0 ? new Float32Array(new ArrayBuffer(4 * size * width)) : undefined;
    this.#rows = new BigUint64Array(new ArrayBuffer(8 * size));
    const ids = address(this.#ids);
    for (let i = 0; i < size; i++) this.#rows[i] = ids + BigInt(4 * sequences * i);
    this.#native = {
      token: address(this.#tokens),
      embd: this.#hidden ? address(this.#hidden) : null,
      pos: address(this.#positions),
      n_seq_id: address(this.#counts),
      seq_id: address(this.#rows),
      logits: address(this.#outputs),
    };
  }

  /**
   * @param outputs the tokens to compute logits for
   * @returns a batch that is valid until the next call
   */
  fill(batch: readonly BatchToken[], outputs: ReadonlySet<BatchToken>): NativeBatch {
    for (const [i, item] of batch.entries()) {
      const { token, position, sequences, hidden } = item;
      this.#tokens[i] = token;
      this.#positions[i] = position;
      this.#counts[i] = sequences.length;
      this.#ids.set(sequences, i * this.#sequences);
      this.#outputs[i] = outputs.has(item) ? 1 : 0;
      if (hidden) this.#hidden?.set(hidden, i * this.#width);
      else this.#hidden?.fill(0, i * this.#width, (i + 1) * this.#width);
    }
    return { n_tokens: batch.length, ...this.#native };
  }
}
