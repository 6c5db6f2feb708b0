import { stripVTControlCharacters as bare } from 'node:util';
import { harmless } from '../harmless.js';
import type { Io } from '../io.js';
import { Sink } from './sink.js';

export interface TextOutputOptions {
  readonly io: Io;
  /** Path of a file; undefined = standard output. */
  readonly output: string | undefined;
  /** Called when the text can no longer be written, so that the run can stop. */
  readonly onLoss: () => void;
}

const ESCAPE = '\x1b';

/** Guesses that were refused are shown, and are no part of the text. */
const STRUCK_OUT = new RegExp(`${ESCAPE}\\[9m.*?${ESCAPE}\\[29m`, 'g');

/** A text that is written where the user wants it, and that is not lost where that fails. */
export class TextOutput {
  readonly #io: Io;
  readonly #isFile: boolean;
  readonly #sink: Sink;
  #printed = '';
  #text = '';

  constructor({ io, output, onLoss }: TextOutputOptions) {
    this.#io = io;
    this.#isFile = output !== undefined;
    this.#sink = new Sink(output ?? io.stdout, onLoss);
  }

  /** Whether the reader of standard output has left. */
  get readerLeft(): boolean {
    return this.#sink.readerLeft;
  }

  /** @param text what was generated, of which `print` may be another form */
  async print(print: string, text: string): Promise<void> {
    this.#text += text;
    this.#printed += print;
    await this.#sink.write(print);
  }

  /** @throws Error where something could not be written. The result is then on standard output, or the text on standard error */
  async finish(): Promise<void> {
    await this.#sink.close();
    if (!this.#sink.loss) return;
    const refuge = this.#isFile ? new Sink(this.#io.stdout) : this.#sink;
    await refuge.write(this.#printed);
    if (refuge.failure && this.#text !== '') this.#io.rescue(this.#text);
    throw this.#sink.loss;
  }

  /** Prints the text that was generated and not printed yet on standard error, after a failure. */
  rescue(): void {
    const printed = withoutSpace(bare(this.#printed.replaceAll(STRUCK_OUT, '')));
    const isPrinted = FORMS.some((formed) => printed.includes(withoutSpace(formed(this.#text))));
    if (this.#text !== '' && (!isPrinted || this.#sink.failure)) this.#io.rescue(this.#text);
  }
}

/** The forms in which a text is printed. The last one is that of JSON. */
const FORMS = [bare, harmless, (text: string) => JSON.stringify(text).slice(1, -1)];

/** On a terminal, line breaks stand where the text has spaces. */
function withoutSpace(text: string): string {
  return text.replaceAll(/\s+/g, '');
}
