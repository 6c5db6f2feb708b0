import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ControlledEvaluateInputItem, LlamaContext, LlamaContextSequence, Token } from 'node-llama-cpp';
import type { TopLogits } from '../../types.js';
import type { BatchToken, Context, ReadRequest } from '../port.js';
import { checkCopy, checkNext, checkPosition } from '../requests.js';
import { topLogits } from './top-logits.js';

/** A node-llama-cpp context: every sequence has cells of its own, and each position is read by one sampler call. */
export class BindingsContext implements Context {
  readonly capacity: number;
  readonly sequences: number;
  readonly sharesCells = false;
  readonly batchSize: number;
  readonly #context: LlamaContext;
  readonly #sequences: LlamaContextSequence[];
  #renewing: Promise<void> = Promise.resolve();

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
    // Temperature and top-p are applied in sampling/, since this library would apply them in another order.
    const generate = (topK: number) => ({
      generateNext: { probabilities: true, options: { temperature: 1, topP: 1, minP: 0, topK } },
    });
    const runs = this.#sequences.map((sequence) => new Run(sequence));
    const places = batch.map(({ token, position, sequences, wanted, mask }) => {
      const sequence = this.#only(sequences);
      const run = runs[sequence]!;
      const held = this.#sequences[sequence]!.nextTokenIndex + run.length;
      checkNext(sequence, held, position, this.capacity);
      const next = generate(read.logSumExp || mask ? 0 : read.top);
      return { run, mask, index: run.push(wanted ? [token as Token, next] : (token as Token), wanted) };
    });

    // Sequences evaluated in one turn of the event loop share a batch of llama.cpp's, whose rows are read by
    // several threads. Where the sequences are of different lengths llama.cpp puts the rows in order when the
    // first of them is read, without a lock. So what is not read goes first, and then equal lengths together.
    await evaluateTogether(runs.map((run) => run.head()));
    for (const length of new Set(runs.map((run) => run.left))) {
      const equals = runs.filter((run) => run.left === length);
      const perPass = Math.max(1, Math.floor(this.batchSize / Math.max(1, length))); // what one batch can hold
      for (let i = 0; i < equals.length; i += perPass)
        await evaluateTogether(equals.slice(i, i + perPass).map((run) => run.tail()));
    }

    return places
      .filter((_, i) => batch[i]!.wanted)
      .map(({ run, index, mask }) => topLogits(run.outputs[index]!.next.probabilities!, read, mask));
  }

  async forget(sequence: number, from: number): Promise<void> {
    checkPosition(from);
    const held = this.#sequenceOf(sequence);
    if (from > 0) return held.eraseContextTokenRanges([{ start: from, end: held.nextTokenIndex }]);
    // Also right after a failed evaluation, when the library's own count of tokens is not to be trusted.
    // One at a time, so that the new sequence gets the number of the old one.
    const renewed = this.#renewing.then(async () => {
      await held.dispose();
      this.#sequences[sequence] = this.#context.getSequence();
    });
    this.#renewing = renewed.catch(() => {});
    return renewed;
  }

  /** By way of a file, since this library has no other; a few milliseconds where evaluating takes seconds. */
  async copy(from: number, to: readonly number[], length: number): Promise<boolean> {
    const source = this.#sequenceOf(from);
    checkCopy(from, source.nextTokenIndex, to, length);
    for (const sequence of to) this.#sequenceOf(sequence); // all or none
    if (to.length === 0) return true;
    let folder: string | undefined;
    try {
      for (const sequence of to) await this.forget(sequence, 0);
      if (length === 0) return true;
      folder = await mkdtemp(join(tmpdir(), 'mtad-')); // readable by this user only
      const file = join(folder, 'sequence');
      await source.saveStateToFile(file);
      for (const sequence of to) {
        await this.#sequences[sequence]!.loadStateFromFile(file, { acceptRisk: true }); // the same context wrote it
        await this.forget(sequence, length);
      }
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

  #sequenceOf(sequence: number): LlamaContextSequence {
    const found = this.#sequences[sequence];
    if (!found) throw new RangeError(`There is no sequence ${sequence} among ${this.sequences}`);
    return found;
  }

  #only([sequence, ...others]: readonly number[]): number {
    if (others.length > 0 || !this.#sequences[sequence!])
      throw new RangeError('A token belongs to one of the sequences, since they share no cells');
    return sequence!;
  }
}

type Output = Awaited<ReturnType<LlamaContextSequence['controlledEvaluate']>>[number];

/** What one sequence evaluates in a call: first the tokens that nothing is read at, then the others. */
class Run {
  readonly outputs: (Output | undefined)[] = []; // per token
  readonly #sequence: LlamaContextSequence;
  readonly #inputs: ControlledEvaluateInputItem[] = [];
  #unread = 0; // tokens before the first wanted one

  constructor(sequence: LlamaContextSequence) {
    this.#sequence = sequence;
  }

  get length(): number {
    return this.#inputs.length;
  }

  /** Tokens from the first wanted one on. */
  get left(): number {
    return this.#inputs.length - this.#unread;
  }

  /** @returns the index of the token */
  push(input: ControlledEvaluateInputItem, wanted: boolean): number {
    const index = this.#inputs.push(input) - 1;
    if (!wanted && this.#unread === index) this.#unread++;
    return index;
  }

  async head(): Promise<void> {
    await this.#sequence.controlledEvaluate(this.#inputs.slice(0, this.#unread));
  }

  async tail(): Promise<void> {
    const outputs = await this.#sequence.controlledEvaluate(this.#inputs.slice(this.#unread));
    for (let i = 0; i < outputs.length; i++) this.outputs[this.#unread + i] = outputs[i];
  }
}

/** All must settle before an error is passed on: the caller cleans up, which a running evaluation would upset. */
async function evaluateTogether(evaluations: Promise<void>[]): Promise<void> {
  const settled = await Promise.allSettled(evaluations);
  const failed = settled.find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
}
