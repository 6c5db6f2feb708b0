import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ControlledEvaluateInputItem, LlamaContext, LlamaContextSequence, Token } from 'node-llama-cpp';
import pLimit from 'p-limit';
import type { TopLogits } from '../../types.js';
import { CallClock } from '../call-clock.js';
import type { BatchToken, Context, Keep, Pass, PassAnswer, ReadRequest } from '../port.js';
import { checkPass } from '../requests.js';
import { logitsAsked, topLogits } from './top-logits.js';

/**
 * A node-llama-cpp context: every sequence has cells of its own, and each position is read by one sampler call. That call
 * evaluates and reads at once, so what it takes to find the largest logits counts as llama.cpp's time here.
 */
export class BindingsContext implements Context {
  readonly capacity: number;
  readonly sequences: number;
  readonly sharesCells = false;
  readonly batchSize: number;
  readonly #context: LlamaContext;
  readonly #sequences: LlamaContextSequence[];
  readonly #vocabularySize: number;
  readonly #exclusively = pLimit(1);

  /** `capacity` must leave one cell free: node-llama-cpp drops old tokens in silence when the last one is taken. */
  constructor(context: LlamaContext, capacity: number) {
    if (capacity > context.contextSize - 1)
      throw new RangeError(`Capacity ${capacity} does not fit a context of ${context.contextSize} tokens`);
    this.capacity = capacity;
    this.sequences = context.totalSequences;
    this.batchSize = context.batchSize;
    this.#context = context;
    this.#vocabularySize = context.model.fileInfo.metadata.tokenizer?.ggml?.tokens?.length ?? 0;
    this.#sequences = Array.from({ length: this.sequences }, () => context.getSequence());
  }

  get held(): readonly number[] {
    return this.#sequences.map(({ nextTokenIndex }) => nextTokenIndex);
  }

  run(pass: Pass): Promise<PassAnswer> {
    return this.#exclusively(async () => {
      const { keeps, batch, read } = pass;
      checkPass(pass, this.held, this.capacity);
      if (batch.some(({ sequences }) => sequences.length > 1))
        throw new RangeError('A token belongs to one of the sequences, since they share no cells');
      const clock = new CallClock();
      for (const keep of keeps) await clock.time(() => this.#keep(keep));
      checkPass({ ...pass, keeps: [] }, this.held, this.capacity); // a copy may not have been possible
      try {
        return { rows: await this.#evaluate(batch, read, clock), ms: clock.ms };
      } catch (error) {
        // The library's own count of tokens is not to be trusted after a failed evaluation.
        for (const sequence of new Set(batch.flatMap(({ sequences }) => sequences)))
          await this.#empty(sequence);
        throw error;
      }
    });
  }

  async #evaluate(batch: readonly BatchToken[], read: ReadRequest, clock: CallClock): Promise<TopLogits[]> {
    const runs = this.#sequences.map((sequence) => new Run(sequence));
    const places = batch.map(({ token, sequences, wanted, mask }) => {
      const run = runs[sequences[0]!]!;
      const next = generateNext(logitsAsked(read, this.#vocabularySize, mask));
      return { run, mask, index: run.push(wanted ? [token as Token, next] : (token as Token), wanted) };
    });
    await clock.time(() => this.#evaluateAll(runs));
    return places
      .filter((_, i) => batch[i]!.wanted)
      .map(({ run, index, mask }) => topLogits(run.outputs[index]!.next.probabilities!, read, mask));
  }

  /**
   * Sequences evaluated in one turn of the event loop share a batch of llama.cpp's, whose rows are read by several threads.
   * Where the sequences are of different lengths llama.cpp puts the rows in order when the first of them is read, without a
   * lock. So what is not read goes first, and then equal lengths together.
   */
  async #evaluateAll(runs: readonly Run[]): Promise<void> {
    await evaluateTogether(runs.map((run) => run.head()));
    for (const length of new Set(runs.map((run) => run.left))) {
      const equals = runs.filter((run) => run.left === length);
      const perPass = Math.max(1, Math.floor(this.batchSize / Math.max(1, length))); // what one batch can hold
      for (let i = 0; i < equals.length; i += perPass)
        await evaluateTogether(equals.slice(i, i + perPass).map((run) => run.tail()));
    }
  }

  async #keep({ sequence, from, length }: Keep): Promise<void> {
    if (sequence === from) return this.#forget(sequence, length);
    await this.#empty(sequence);
    if (length === 0) return;
    try {
      await this.#copy(from, sequence);
      await this.#forget(sequence, length);
    } catch {
      await this.#empty(sequence); // as one that the library cannot copy to
    }
  }

  /** By way of a file, since this library has no other; a few milliseconds where evaluating takes seconds. */
  async #copy(from: number, to: number): Promise<void> {
    const folder = await mkdtemp(join(tmpdir(), 'mtad-')); // readable by this user only
    try {
      const file = join(folder, 'sequence');
      await this.#sequences[from]!.saveStateToFile(file);
      await this.#sequences[to]!.loadStateFromFile(file, { acceptRisk: true }); // the same context wrote it
    } finally {
      await rm(folder, { recursive: true, force: true }).catch(() => {});
    }
  }

  async #forget(sequence: number, from: number): Promise<void> {
    const held = this.#sequences[sequence]!;
    const end = held.nextTokenIndex;
    if (from === end) return;
    if (from === 0) return this.#empty(sequence);
    await held.eraseContextTokenRanges([{ start: from, end }]);
  }

  /** One at a time, so that the new sequence gets the number of the old one. */
  async #empty(sequence: number): Promise<void> {
    await this.#sequences[sequence]!.dispose();
    this.#sequences[sequence] = this.#context.getSequence();
  }

  /** After the pass that is running, if any. */
  dispose(): Promise<void> {
    return this.#exclusively(() => this.#context.dispose());
  }
}

/** Temperature and top-p are applied in math/, since this library would apply them in another order. */
function generateNext(topK: number) {
  return { generateNext: { probabilities: true, options: { temperature: 1, topP: 1, minP: 0, topK } } };
}

type Output = Awaited<ReturnType<LlamaContextSequence['controlledEvaluate']>>[number];

/** What one sequence evaluates in a call: first the tokens that nothing is read at, then the others. */
class Run {
  /** Per token. */
  readonly outputs: (Output | undefined)[] = [];
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
