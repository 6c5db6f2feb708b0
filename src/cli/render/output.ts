import { stripVTControlCharacters as bare } from 'node:util';
import type { GenerationEvent } from '../../generation/events.js';
import { textOf } from '../../text/text-stream.js';
import { traceStart, traceStep } from '../../trace/write.js';
import type { TokenId } from '../../types.js';
import { harmless } from '../harmless.js';
import type { Io } from '../io.js';
import { jsonLine, paramsJson, type Run } from './json.js';
import type { Printer } from './printers.js';
import { Sink } from './sink.js';

export interface OutputOptions {
  readonly io: Io;
  readonly printer: Printer;
  /** Path of a file; undefined = standard output. */
  readonly output: string | undefined;
  /** Path of a file; undefined = no trace. */
  readonly trace: string | undefined;
  /** Called when the text can no longer be written, so that the run can stop. */
  readonly onLoss: () => void;
}

/** The results of a run: the text or its JSON, and the trace. */
export class Output {
  readonly #options: OutputOptions;
  readonly #sink: Sink;
  readonly #trace: Sink | undefined;
  #printed = '';
  #text = '';
  #steps = 0;

  constructor(options: OutputOptions) {
    this.#options = options;
    this.#sink = new Sink(options.output ?? options.io.stdout, options.onLoss);
    this.#trace = options.trace === undefined ? undefined : new Sink(options.trace);
  }

  /** Whether the reader of standard output has left. */
  get readerLeft(): boolean {
    return this.#sink.readerLeft;
  }

  async take(event: GenerationEvent, run: Run): Promise<void> {
    if (event.type === 'start')
      await this.#trace?.write(
        jsonLine(traceStart(run.settings.strategy, paramsJson(run), event.promptTokens)),
      );
    if (event.type === 'step') {
      const { tokenizer } = run.pair.target;
      const textOf = (token: TokenId) => tokenizer.decode([token], [token], true);
      await this.#trace?.write(jsonLine(traceStep(event.step, this.#steps++, textOf, event)));
    }
    if (event.type === 'text') this.#text += textOf(event.pieces);
    const print = this.#options.printer(event, run);
    this.#printed += print;
    await this.#sink.write(print);
  }

  /** @throws Error where something could not be written. The result is then on standard output, or the text on standard error */
  async finish(): Promise<void> {
    await Promise.all([this.#sink.close(), this.#trace?.close()]);
    if (this.#sink.loss) {
      const isFile = this.#options.output !== undefined;
      const refuge = isFile ? new Sink(this.#options.io.stdout) : this.#sink;
      await refuge.write(this.#printed);
      if (refuge.failure && this.#text !== '') this.#options.io.rescue(this.#text);
      throw this.#sink.loss;
    }
    this.#trace?.check();
  }

  /** Prints the text that was generated and not printed yet on standard error, after a failure. */
  rescue(): void {
    const printed = bare(this.#printed);
    if (this.#text === '' || [bare(this.#text), harmless(this.#text)].some((text) => printed.includes(text)))
      return;
    this.#options.io.rescue(this.#text);
  }
}
