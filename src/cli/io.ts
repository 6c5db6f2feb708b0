import { fstatSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import { isatty } from 'node:tty';
import type { ChalkInstance } from 'chalk';
import { inFlags } from './flag-names.js';
import { type ColorChoice, colorsFor } from './render/colors.js';

/** Standard input. */
export type Input = Readable & {
  readonly isTTY?: boolean;
  setRawMode?(mode: boolean): unknown;
};

/** Standard output or standard error. `fd` and `isTTY` are those of a real process; a stream in memory has neither. */
export type Output = Writable & {
  readonly fd?: number;
  readonly isTTY?: boolean;
  /** Undefined: no terminal, so no limit. */
  readonly columns?: number;
};

/** What a command line is given by whoever runs it. */
export interface Surroundings {
  /** Without the names of Node and of mtad. */
  readonly argv: readonly string[];
  /** Opened where it is read only: that changes a pipe which others share. */
  readonly stdin: Input;
  /** Its descriptor, which tells what it is without opening it; undefined = a stream in memory. */
  readonly stdinFd?: number;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Whose Ctrl-C is heard; undefined = no signal comes. */
  readonly signals?: NodeJS.Process;
}

/** The streams and the environment of one command line, and how it ends. A stream is touched where it is used only. */
export class Io {
  /** What the command line ends with. */
  exitCode = 0;
  readonly #given: Surroundings;

  constructor(given: Surroundings) {
    this.#given = given;
  }

  get stdin(): Input {
    return this.#given.stdin;
  }

  /** Whether something was redirected into standard input. A terminal or /dev/null was not. */
  get isFed(): boolean {
    const { stdinFd } = this.#given;
    if (stdinFd === undefined) return !this.stdin.isTTY && !this.stdin.destroyed;
    try {
      const file = fstatSync(stdinFd);
      return file.isFIFO() || file.isFile() || file.isSocket();
    } catch {
      return false; // closed
    }
  }

  /** Whether standard input is a terminal. */
  get isTyped(): boolean {
    const { stdinFd } = this.#given;
    return stdinFd === undefined ? this.stdin.isTTY === true : isatty(stdinFd);
  }

  get stdout(): Output {
    return this.#given.stdout;
  }

  get stderr(): Output {
    return this.#given.stderr;
  }

  get env(): Surroundings['env'] {
    return this.#given.env;
  }

  get signals(): NodeJS.Process | undefined {
    return this.#given.signals;
  }

  /** Whether standard error is a terminal: somebody reads along. */
  get isWatched(): boolean {
    return this.stderr.isTTY === true;
  }

  /** Tells people something beside the text, on standard error. Settings that it names become options. */
  say(line: string): void {
    this.stderr.write(`mtad: ${inFlags(line)}\n`);
  }

  /** Colours for one of its streams. */
  colors(when: ColorChoice, stream: Output): ChalkInstance {
    return colorsFor(when, stream.isTTY === true, this.env);
  }
}
