import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ControlledEvaluateInputItem, LlamaContext, LlamaContextSequence, Token } from 'node-llama-cpp';
import type { TopLogits } from '../../types.js';
import type { BatchToken, Context, ReadRequest } from '../engine.js';
import { topLogits } from './top-logits.js';

/** A node-llama-cpp context: every sequence has cells of its own, and each position is read by one sampler call. */
export class BindingsContext implements Context {
  readonly capacity: number;
  readonly sequences: number;
  readonly batchSize: number;
  readonly #context: LlamaContext;
  readonly #sequences: LlamaContextSequence[];

  /** `capacity` must leave one cell free: node-llama-cpp drops old tokens in silence when the last one is taken. */
  constructor(context: LlamaContext, capacity: number) {
    if (capacity > context.contextSize - 1)
      throw new RangeError(`Capacity ${capacity} does not fit a context of ${context.contextSize} tokens`);
    this.capacity = capacity;
    this.sequences = context.totalSequences;
    this.batchSize = context.batchSize;
    this.#context = context;
    this.#sequences = Array.from({ length: this.sequences }, () => context.getSequence());
  }

  async decode(batch: readonly BatchToken[], read: ReadRequest): Promise<TopLogits[]> {
    const generateNext = {
      probabilities: true,
      // Temperature and top-p are applied in sampling/, since this library would apply them in another order.
      options: { temperature: 1, topP: 1, minP: 0, topK: read.logSumExp ? 0 : read.top },
    };
    const inputs: ControlledEvaluateInputItem[][] = this.#sequences.map(() => []);
    const places = batch.map(({ token, position, sequence, wanted }) => {
      const input = inputs[sequence]!;
      this.#check(sequence, position, input.length);
      return {
        sequence,
        index: input.push(wanted ? [token as Token, { generateNext }] : (token as Token)) - 1,
      };
    });

    // Sequences evaluated in one turn of the event loop share a batch of llama.cpp's. All must settle before
    // an error is passed on: the caller will clean up, and must not do so under a running evaluation.
    const settled = await Promise.allSettled(
      inputs.map((input, sequence) => this.#sequences[sequence]!.controlledEvaluate(input)),
    );
    const failed = settled.find((result) => result.status === 'rejected');
    if (failed) throw failed.reason;

    const outputs = settled.map((result) => (result as PromiseFulfilledResult<Output>).value);
    return places
      .filter((_, i) => batch[i]!.wanted)
      .map(({ sequence, index }) => topLogits(outputs[sequence]![index]!.next.probabilities!, read));
  }

  async forget(sequence: number, from: number): Promise<void> {
    const held = this.#sequences[sequence]!;
    if (from > 0) return held.eraseContextTokenRanges([{ start: from, end: held.nextTokenIndex }]);
    // Also right after a failed evaluation, when the library's own count of tokens is not to be trusted.
    await held.dispose();
    this.#sequences[sequence] = this.#context.getSequence();
  }

  /** By way of a file, since this library has no other; a few milliseconds where evaluating takes seconds. */
  async copy(from: number, to: readonly number[]): Promise<boolean> {
    let folder: string | undefined;
    try {
      folder = await mkdtemp(join(tmpdir(), 'mtad-')); // readable by this user only
      const file = join(folder, 'sequence');
      await this.#sequences[from]!.saveStateToFile(file);
      for (const sequence of to)
        await this.#sequences[sequence]!.loadStateFromFile(file, { acceptRisk: true }); // the same context wrote it
      return true;
    } catch {
      for (const sequence of to) await this.forget(sequence, 0);
      return false;
    } finally {
      if (folder) await rm(folder, { recursive: true, force: true }).catch(() => {});
    }
  }

  dispose(): Promise<void> {
    return this.#context.dispose();
  }

  #check(sequence: number, position: number, queued: number): void {
    const expected = this.#sequences[sequence]!.nextTokenIndex + queued;
    if (position !== expected)
      throw new RangeError(
        `Sequence ${sequence} holds ${expected} tokens, so position ${position} cannot be next`,
      );
    if (position >= this.capacity)
      throw new RangeError(`Position ${position} is outside a context of ${this.capacity} tokens`);
  }
}

type Output = Awaited<ReturnType<LlamaContextSequence['controlledEvaluate']>>;
