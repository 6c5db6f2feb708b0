import { createInterface, type Interface } from 'node:readline';
import { Readable } from 'node:stream';
import { notUtf8 } from '../prompt.js';

/** What opens and closes a message of several lines, as in ollama. */
const FENCE = '"""';

/** Said when Ctrl-C finds nothing to stop. */
const HINT = '(Ctrl-D or /bye ends the conversation)';

/**
 * Messages from standard input: a line each, or several lines between `"""` or where a line ends in a backslash. On a
 * terminal they are asked for, on standard error, and can be edited and recalled.
 */
export class LineReader {
  readonly isTerminal: boolean;
  readonly #readline: Interface;
  readonly #lines: string[] = [];
  #failure: Error | undefined; // of the input
  #wake: (() => void) | undefined;
  #isClosed = false;
  #isCancelled = false; // the message of several lines that is being typed

  constructor() {
    this.isTerminal = process.stdin.isTTY && process.stderr.isTTY;
    this.#readline = createInterface({
      ...(this.isTerminal
        ? { input: process.stdin, output: process.stderr, terminal: true }
        : { input: Readable.from(decoded(process.stdin)) }),
      crlfDelay: Number.POSITIVE_INFINITY,
    });
    this.#readline.on('line', (line) => {
      this.#lines.push(line);
      this.#wake?.();
    });
    this.#readline.on('close', () => {
      this.#isClosed = true;
      this.#wake?.();
    });
    this.#readline.on('error', (error) => {
      this.#failure = error;
      this.#readline.close();
    });
    this.#readline.on('SIGINT', () => this.#cancel());
    this.pause();
  }

  /** The next message; undefined when there is none any more. What was begun when the input ended is a message. @throws UsageError */
  async next(): Promise<string | undefined> {
    this.#resume();
    try {
      for (;;) {
        this.#isCancelled = false;
        const message = await this.#message();
        if (!this.#isCancelled) return message;
      }
    } finally {
      this.pause();
    }
  }

  /** Leaves the keyboard to others: Ctrl-C is a signal again, and what is typed waits. */
  pause(): void {
    if (this.#isClosed) return;
    this.#readline.pause();
    if (this.isTerminal) process.stdin.setRawMode(false);
  }

  close(): void {
    this.#readline.close();
  }

  #resume(): void {
    if (this.#isClosed) return;
    if (this.isTerminal) process.stdin.setRawMode(true);
    this.#readline.resume();
  }

  async #message(): Promise<string | undefined> {
    const first = await this.#line('> ');
    if (first === undefined) return undefined;
    const opening = first.trimStart();
    if (!opening.startsWith(FENCE)) return this.#continued(first);
    const lines = [opening.slice(FENCE.length)];
    while (!lines.at(-1)!.trimEnd().endsWith(FENCE)) {
      const line = await this.#line('. ');
      if (line === undefined) return lines.join('\n');
      lines.push(line);
    }
    const text = lines.join('\n').trimEnd().slice(0, -FENCE.length);
    return text.replace(/^\n/, '').replace(/\n$/, ''); // fences may stand alone on their lines
  }

  async #continued(first: string): Promise<string> {
    const lines = [first];
    while (lines.at(-1)!.endsWith('\\')) {
      const line = await this.#line('. ');
      if (line === undefined) break;
      lines.push(lines.pop()!.slice(0, -1), line);
    }
    return lines.join('\n');
  }

  async #line(prompt: string): Promise<string | undefined> {
    if (this.#isCancelled) return undefined;
    if (this.isTerminal && this.#lines.length === 0 && !this.#isClosed) {
      this.#readline.setPrompt(prompt);
      this.#readline.prompt();
    }
    while (this.#lines.length === 0 && !this.#isClosed && !this.#isCancelled)
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    if (this.#failure && this.#lines.length === 0) throw this.#failure;
    return this.#isCancelled ? undefined : this.#lines.shift();
  }

  /** Ctrl-C while a message is typed: it is given up. */
  #cancel(): void {
    const wasEmpty = this.#readline.line === '';
    this.#readline.write(null, { ctrl: true, name: 'e' });
    this.#readline.write(null, { ctrl: true, name: 'u' });
    process.stderr.write(wasEmpty ? `\n${HINT}\n` : '\n');
    this.#isCancelled = true;
    this.#wake?.();
  }
}

/** @throws UsageError for anything but UTF-8 */
async function* decoded(bytes: AsyncIterable<Buffer>): AsyncGenerator<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  try {
    for await (const chunk of bytes) yield decoder.decode(chunk, { stream: true });
    yield decoder.decode();
  } catch (cause) {
    throw notUtf8('Standard input', cause);
  }
}
