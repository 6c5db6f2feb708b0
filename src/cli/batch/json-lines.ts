import { createReadStream, existsSync, statSync } from 'node:fs';
import { type FileHandle, open, rename, rm, stat, truncate } from 'node:fs/promises';
import { UsageError } from '../../errors.js';
import { ratios } from '../../generation/counters.js';
import { byteLines } from '../../text/byte-lines.js';
import { answerOf } from '../../text/reasoning.js';
import type { Output } from '../io.js';
import { jsonLine } from '../render/json.js';
import { Sink } from '../render/sink.js';
import { type Id, idIn } from './line.js';
import type { Place, Results, Written } from './results.js';

/** The line of a text. Times in milliseconds. */
function lineOf({ id, seed, promptTokens, result }: Written, hideReasoning: boolean): string {
  const { tokensPerSecond, blockEfficiency, acceptanceRate, perplexity } = ratios(result.counters);
  const { evaluated, prefillMs, counters, finishReason, grammarComplete, drift } = result;
  return jsonLine({
    id,
    text: hideReasoning ? answerOf(result) : result.text,
    reasoning: hideReasoning ? null : result.reasoning,
    finish_reason: finishReason,
    grammar_complete: grammarComplete,
    prompt_tokens: promptTokens,
    cached_tokens: promptTokens - evaluated.target,
    completion_tokens: result.tokens.length,
    seed,
    timing_ms: { prefill: Math.round(prefillMs), decode: Math.round(counters.ms.decode) },
    tokens_per_second: tokensPerSecond,
    block_efficiency: blockEfficiency,
    acceptance_rate: acceptanceRate,
    perplexity,
    drift,
  });
}

/** JSON lines on standard output. */
export class PrintedLines implements Results {
  readonly #sink: Sink;
  readonly #hideReasoning: boolean;

  constructor(stdout: Output, hideReasoning: boolean) {
    this.#sink = new Sink(stdout);
    this.#hideReasoning = hideReasoning;
  }

  has(): boolean {
    return false;
  }

  write(written: Written): Promise<void> {
    return this.#sink.write(lineOf(written, this.#hideReasoning));
  }

  fail(failed: Place & { readonly error: string }): Promise<void> {
    return this.#sink.write(jsonLine(failed));
  }

  get isClosed(): boolean {
    return this.#sink.failure !== undefined;
  }

  async close(): Promise<void> {
    this.#sink.check();
  }
}

/** Where a line stands in the file. */
interface Span {
  readonly offset: number;
  readonly length: number;
}

/** Bytes of a line that is looked at. */
const LONGEST = 2 ** 28;

/** JSON lines in a file, of which each is written as a whole. An earlier run's stay, but for those of errors. */
export class LinesFile implements Results {
  readonly isClosed = false;
  readonly #path: string;
  #file: FileHandle | undefined; // from the first line on
  readonly #hideReasoning: boolean;
  readonly #texts: Map<string, Span>;
  readonly #errors = new Map<number, Span>(); // of this run, by the line of the input
  #end: number;
  #isInOrder: boolean; // whether the file is what it is to be in the end

  private constructor(path: string, earlier: Earlier, hideReasoning: boolean) {
    this.#path = path;
    this.#texts = earlier.texts;
    this.#end = earlier.end;
    this.#isInOrder = earlier.texts.size === 0 && earlier.end === 0;
    this.#hideReasoning = hideReasoning;
  }

  /** @throws UsageError for a file that is there, unless the run goes on with it, and for one that is something else */
  static async open(
    path: string,
    { resume, hideReasoning }: { readonly resume: boolean; readonly hideReasoning: boolean },
  ): Promise<LinesFile> {
    if (!resume && isFilled(path))
      throw new UsageError(`${path} is there already: --resume goes on with it; or remove it first`);
    const earlier = resume && existsSync(path) ? await readEarlier(path) : NOTHING;
    if (earlier.end < earlier.size) await truncate(path, earlier.end); // a line that was cut off
    return new LinesFile(path, { ...earlier, texts: new Map(earlier.texts) }, hideReasoning);
  }

  has(id: Id): boolean {
    return this.#texts.has(String(id));
  }

  async write(written: Written): Promise<void> {
    this.#texts.set(String(written.id), await this.#append(lineOf(written, this.#hideReasoning)));
  }

  async fail(failed: Place & { readonly error: string }): Promise<void> {
    this.#errors.set(failed.line, await this.#append(jsonLine(failed)));
  }

  async close(order: readonly Place[] | undefined): Promise<void> {
    await this.#file?.close();
    if (order && !this.#isInOrder) await this.#putInOrder(order);
  }

  async #append(line: string): Promise<Span> {
    const bytes = Buffer.from(line);
    try {
      this.#file ??= await open(this.#path, 'a');
      await this.#file.appendFile(bytes);
    } catch (cause) {
      throw new Error(`Cannot write ${this.#path}: ${(cause as Error).message}`, { cause });
    }
    const span = { offset: this.#end, length: bytes.length };
    this.#end += bytes.length;
    return span;
  }

  /** Writes the file anew, in the order of the inputs; then texts that nobody asks for any more. */
  async #putInOrder(order: readonly Place[]): Promise<void> {
    const spans = order.flatMap(
      ({ id, line }) => this.#errors.get(line) ?? this.#texts.get(String(id)) ?? [],
    );
    const asked = new Set(spans);
    const all = [...spans, ...[...this.#texts.values()].filter((span) => !asked.has(span))];
    const ends = all.map(({ offset, length }) => offset + length);
    if (ends.at(-1) === this.#end && all.every(({ offset }, i) => offset === (ends[i - 1] ?? 0))) return;
    const whole = `${this.#path}.${process.pid}.tmp`;
    const from = await open(this.#path, 'r');
    try {
      const to = await open(whole, 'w', (await stat(this.#path)).mode & 0o777);
      try {
        for (const { offset, length } of all) {
          const { buffer } = await from.read(Buffer.alloc(length), 0, length, offset);
          await to.appendFile(buffer);
        }
      } finally {
        await to.close();
      }
      await rename(whole, this.#path);
    } catch (cause) {
      await rm(whole, { force: true });
      throw new Error(`Cannot put ${this.#path} in order, all texts are in it: ${(cause as Error).message}`, {
        cause,
      });
    } finally {
      await from.close();
    }
  }
}

/** What an earlier run left. */
interface Earlier {
  readonly texts: Map<string, Span>;
  /** Bytes of whole lines, and of all. */
  readonly end: number;
  readonly size: number;
}

const NOTHING: Earlier = { texts: new Map(), end: 0, size: 0 };

/** @throws UsageError for a file that mtad batch did not write */
async function readEarlier(path: string): Promise<Earlier> {
  const texts = new Map<string, Span>();
  let end = 0;
  let size = 0;
  for await (const { number, offset, length, bytes, ended } of byteLines(createReadStream(path), LONGEST)) {
    size = offset + length;
    if (!ended) break;
    end = size;
    const { id, isText } = recordIn(bytes);
    if (id === undefined)
      throw new UsageError(
        `${path}, line ${number}, is no result of mtad batch: --resume goes on with a file of its own`,
      );
    if (isText) texts.set(String(id), { offset, length });
  }
  return { texts, end, size };
}

function recordIn(bytes: Buffer | undefined): { readonly id: Id | undefined; readonly isText: boolean } {
  try {
    const value = JSON.parse(String(bytes));
    const isText = typeof value.text === 'string';
    return { id: isText || typeof value.error === 'string' ? idIn(value) : undefined, isText };
  } catch {
    return { id: undefined, isText: false };
  }
}

/** A pipe or a device holds nothing. */
function isFilled(path: string): boolean {
  const facts = statSync(path, { throwIfNoEntry: false });
  return facts?.isFile() === true && facts.size > 0;
}
