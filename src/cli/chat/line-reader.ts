import { createInterface, type Interface, type Key } from 'node:readline';
import { Readable } from 'node:stream';
import type { Input, Io, Output } from '../io.js';
import { utf8Decoder } from '../utf8-decoder.js';

/** The mark before and behind a message of several lines, as in ollama. */
const FENCE = '"""';

export interface Message {
  readonly text: string;
  /** Whether it stood between `"""`. Such a message is never a command. */
  readonly isQuoted: boolean;
}

/** Help for a user who types on a terminal. */
export interface Typing {
  readonly history: readonly string[];
  readonly onTyped: (line: string) => void;
  readonly completions: (line: string) => string[];
}

/** Number of lines of one conversation that the arrow keys bring back. */
const MOST_TYPED = 1000;

/** Shown when Ctrl-C has nothing to stop. */
const HINT = '(Ctrl-D or /bye ends the conversation)';

/** Bracketed paste: switches on and off that a terminal sends a mark before and behind pasted text. */
const PASTE = { marked: '\x1b[?2004h', unmarked: '\x1b[?2004l' };

/**
 * Reads messages from standard input. A message is one line, or several: pasted, between `"""`, or each but the last with a
 * backslash at its end. On a terminal there is a prompt, on standard error, and lines can be edited and recalled.
 */
export class LineReader {
  readonly isTerminal: boolean;
  readonly #input: Input;
  readonly #output: Output;
  readonly #isDrawn: boolean; // else the terminal itself echoes and edits
  readonly #readline: Interface;
  readonly #lines: string[] = [];
  readonly #pasted: string[] = []; // lines that wait for Enter
  #isPasting = false;
  #failure: Error | undefined; // of the input
  #wake: (() => void) | undefined;
  #isClosed = false;
  #isCancelled = false; // the message of several lines that is being typed

  /**
   * @param history lines that were typed before, the newest first
   * @param onTyped called with each line that is typed on a terminal
   * @param completions returns the lines that a beginning may become
   */
  constructor({ stdin, stderr, isWatched }: Io, { history, onTyped, completions }: Typing) {
    this.#input = stdin;
    this.#output = stderr;
    this.isTerminal = stdin.isTTY === true;
    this.#isDrawn = this.isTerminal && isWatched;
    this.#readline = createInterface({
      ...(this.#isDrawn
        ? {
            input: stdin,
            output: stderr,
            terminal: true,
            history: [...history],
            historySize: history.length + MOST_TYPED,
            removeHistoryDuplicates: true,
            completer: (line: string) => [completions(line), line],
          }
        : { input: Readable.from(decoded(stdin)).on('error', () => {}) }), // also after close()
      crlfDelay: Number.POSITIVE_INFINITY,
    });
    stdin.on('keypress', this.#onKey);
    this.#readline.on('history', ([line]) => {
      if (line !== undefined) onTyped(line);
    });
    this.#readline.on('line', (line) => {
      this.#pasted.push(line);
      if (!this.#isPasting) this.#enter();
    });
    this.#readline.on('close', () => {
      this.#takeKeys(false);
      this.#isClosed = true;
      if (this.#pasted.length > 0) this.#enter();
      this.#wake?.();
    });
    this.#readline.on('SIGCONT', () => {
      this.#resume(); // fg after Ctrl-Z, which has paused it
      this.#readline.prompt(true);
    });
    this.#readline.on('error', (error) => {
      this.#failure = error;
      this.#readline.close();
    });
    this.#readline.on('SIGINT', () => this.#cancel());
    this.pause();
  }

  /** Returns the next message; undefined at the end. Lines without their end are a message too. @throws UsageError */
  async next(): Promise<Message | undefined> {
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

  /** Stops reading keys: Ctrl-C is a signal again, and typed keys wait. */
  pause(): void {
    if (this.#isClosed) return;
    this.#readline.pause();
    this.#takeKeys(false);
  }

  /** Closes standard input, which keeps the process alive as long as it is open. */
  close(): void {
    this.#readline.close();
    this.#input.off('keypress', this.#onKey);
    if (!this.#isDrawn) this.#input.destroy();
  }

  readonly #onKey = (_: unknown, { name }: Key) => {
    if (name === 'paste-start' || name === 'paste-end') this.#isPasting = name === 'paste-start';
  };

  #resume(): void {
    if (this.#isClosed) return;
    this.#takeKeys(true);
    this.#readline.resume();
  }

  #takeKeys(all: boolean): void {
    if (!this.#isDrawn) return;
    this.#input.setRawMode?.(all);
    this.#output.write(all ? PASTE.marked : PASTE.unmarked);
  }

  #enter(): void {
    this.#lines.push(this.#pasted.splice(0).join('\n'));
    this.#wake?.();
  }

  async #message(): Promise<Message | undefined> {
    const first = await this.#line('> ');
    if (first === undefined) return undefined;
    const opening = first.trimStart();
    if (!opening.startsWith(FENCE)) return { text: await this.#continued(first), isQuoted: false };
    return { text: await this.#fenced(opening), isQuoted: true };
  }

  async #fenced(opening: string): Promise<string> {
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
    if (this.#isDrawn && this.#lines.length === 0 && !this.#isClosed) {
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

  /** Drops the message that is being typed, on Ctrl-C. */
  #cancel(): void {
    const wasEmpty = this.#readline.line === '' && this.#pasted.length === 0;
    this.#pasted.length = 0;
    this.#readline.write(null, { ctrl: true, name: 'e' });
    this.#readline.write(null, { ctrl: true, name: 'u' });
    this.#output.write(wasEmpty ? `\n${HINT}\n` : '\n');
    this.#isCancelled = true;
    this.#wake?.();
  }
}

/** @throws UsageError for anything but UTF-8 */
async function* decoded(bytes: AsyncIterable<Buffer>): AsyncGenerator<string> {
  const decode = utf8Decoder('Standard input');
  for await (const chunk of bytes) yield decode(chunk, { stream: true });
  yield decode();
}
