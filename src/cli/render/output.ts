import { textOf } from '../../text/text-stream.js';
import { traceStart, traceStep } from '../../trace/write.js';
import type { TokenId } from '../../types.js';
import { jsonLine, paramsJson, type Run } from './json.js';
import type { PrintedEvent, Printer } from './printers.js';
import { Sink } from './sink.js';
import { TextOutput, type TextOutputOptions } from './text-output.js';

export interface OutputOptions extends TextOutputOptions {
  readonly printer: Printer;
  /** Path of a file; undefined = no trace. */
  readonly trace: string | undefined;
}

/** The results of a run: the text or its JSON, and the trace. */
export class Output extends TextOutput {
  readonly #printer: Printer;
  readonly #trace: Sink | undefined;
  #steps = 0;

  constructor(options: OutputOptions) {
    super(options);
    this.#printer = options.printer;
    this.#trace = options.trace === undefined ? undefined : new Sink(options.trace);
  }

  async take(event: PrintedEvent, run: Run): Promise<void> {
    if (event.type === 'start')
      await this.#trace?.write(
        jsonLine(traceStart(run.settings.strategy, paramsJson(run), event.promptTokens)),
      );
    if (event.type === 'step') {
      const { tokenizer } = run.pair.target;
      const textOf = (token: TokenId) => tokenizer.decode([token], [token], true);
      await this.#trace?.write(jsonLine(traceStep(event.step, this.#steps++, textOf, event)));
    }
    await this.print(this.#printer(event, run), event.type === 'text' ? textOf(event.pieces) : '');
  }

  /** @throws Error where something could not be written. The result is then on standard output, or the text on standard error */
  override async finish(): Promise<void> {
    await this.#trace?.close();
    await super.finish();
    this.#trace?.check();
  }
}
