import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ControlledEvaluateInputItem, LlamaContext, LlamaContextSequence, Token } from 'node-llama-cpp';
import type { TopLogits } from '../../types.js';
import { CallClock } from '../call-clock.js';
import type { BatchToken, Context, Keep, Pass, PassAnswer, ReadRequest } from '../passes.js';
import { checkPass } from '../requests.js';
import { Turns } from '../turns.js';
import { logitsAsked, topLogits } from './top-logits.js';

/**
 * A context of node-llama-cpp. Each sequence has its own cells. One sampler call evaluates and reads a position, so the
 * search for the largest logits counts as llama.cpp's time here.
 */
export class BindingsContext implements Context {
  readonly capacity: number;
  readonly sequences: number;
  readonly sharesCells = false;
  readonly rollback = Infinity;
  readonly batchSize: number;
  readonly #context: LlamaContext;
  readonly #sequences: LlamaContextSequence[];
  readonly #vocabularySize: number;
  readonly #turns = new Turns();

  /** `capacity` must leave one cell free: node-llama-cpp silently drops old tokens when the last cell is taken. */
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
    return this.#sequences.map(({ nextTokenIndex, disposed }) => (disposed ? 0 : nextTokenIndex));
  }

  get least(): readonly number[] {
    return this.#sequences.map(() => 0);
  }

  run(pass: Pass): Promise<PassAnswer> {
    return this.#turns.take(async (waitMs) => {
      if (this.#context.disposed) throw new Error('The context was disposed of');
      const { keeps, batch, read } = pass;
      checkPass(pass, this.held, this.capacity);
      if (batch.some(({ sequences }) => sequences.length > 1))
        throw new RangeError('A token belongs to one of the sequences, since they share no cells');
      const clock = new CallClock();
      for (const keep of keeps) await clock.time(() => this.#keep(keep));
      checkPass({ ...pass, keeps: [] }, this.held, this.capacity); // a copy may not have been possible
      try {
        return { rows: await this.#evaluate(batch, read, clock), ms: clock.ms, waitMs };
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
   * Sequences that are evaluated in one turn of the event loop share a batch of llama.cpp, and several threads read its rows.
   * If the sequences differ in length, the first read sorts the rows, without a lock. So tokens without a reader go first,
   * and then sequences of equal length together.
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

  /** Copies by a file, since this library has no other way. That takes milliseconds where evaluation takes seconds. */
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

  /** Replaces one sequence at a time, so that the new one gets the number of the old one. */
  async #empty(sequence: number): Promise<void> {
    await this.#sequences[sequence]!.dispose();
    this.#sequences[sequence] = this.#context.getSequence();
  }

  /** Waits for the running pass, if there is one. */
  dispose(): Promise<void> {
    return this.#turns.take(() => this.#context.dispose());
  }
}

/** math/ applies temperature and top-p, since this library would apply them in another order. */
function generateNext(topK: number) {
  return { generateNext: { probabilities: true, options: { temperature: 1, topP: 1, minP: 0, topK } } };
}

type Output = Awaited<ReturnType<LlamaContextSequence['controlledEvaluate']>>[number];

/** The tokens that one sequence evaluates in a call: first those without logits to read, then the others. */
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

  /** The tokens from the first wanted one on. */
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

/** Waits for all before it throws the first error: the caller then cleans up, and no evaluation may run meanwhile. */
async function evaluateTogether(evaluations: Promise<void>[]): Promise<void> {
  const settled = await Promise.allSettled(evaluations);
  const failed = settled.find((result) => result.status === 'rejected');
  if (failed) throw failed.reason;
}
