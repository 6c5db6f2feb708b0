import { fstatSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import { isatty } from 'node:tty';
import type { ChalkInstance } from 'chalk';
import { inFlags } from './flag-names.js';
import { harmless } from './harmless.js';
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

/** The surroundings that a command line runs in. */
export interface Surroundings {
  /** Without the names of Node and of mtad. */
  readonly argv: readonly string[];
  /** It is opened only where it is read, since that changes a pipe that others share. */
  readonly stdin: Input;
  /** Its descriptor, from which its kind is known before it is opened; undefined = a stream in memory. */
  readonly stdinFd?: number;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The process that receives Ctrl-C; undefined = no signals. */
  readonly signals?: NodeJS.Process;
}

/** The streams, the environment and the exit code of a command line. It touches a stream only where it uses it. */
export class Io {
  /** The exit code of the command line. */
  exitCode = 0;
  readonly #given: Surroundings;

  constructor(given: Surroundings) {
    this.#given = given;
  }

  get stdin(): Input {
    return this.#given.stdin;
  }

  /** Whether standard input is redirected. A terminal and /dev/null do not count. */
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

  /** Whether standard error is a terminal. */
  get isWatched(): boolean {
    return this.stderr.isTTY === true;
  }

  /** Writes a notice for people to standard error. Settings in it are written as options. */
  say(line: string): void {
    this.stderr.write(`mtad: ${harmless(inFlags(line))}\n`);
  }

  /** Writes a line of another program's log to standard error. */
  log(line: string): void {
    this.stderr.write(`${harmless(line)}\n`);
  }

  /** Writes a generated text to standard error, where it would else be lost: whole, but for commands to a terminal. */
  rescue(text: string): void {
    this.stderr.write(`${this.isWatched ? harmless(text) : text}\n`);
  }

  /** Returns the colours for one of its streams. */
  colors(when: ColorChoice, stream: Output): ChalkInstance {
    return colorsFor(when, stream.isTTY === true, this.env);
  }
}
