import {
  accessSync,
  closeSync,
  constants,
  createWriteStream,
  existsSync,
  fstatSync,
  openSync,
  realpathSync,
  statfsSync,
  statSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Writable } from 'node:stream';
import { UsageError } from '../../errors.js';
import type { Output } from '../io.js';

/** A file or standard output to write to. Writing waits for a slow reader. The first write opens and empties a file. */
export class Sink {
  readonly #to: string | Output; // a file's path, or standard output
  readonly #onFailure: () => void;
  #stream: Writable | undefined;
  #failure: NodeJS.ErrnoException | undefined;

  /**
   * @param to a file's path, or standard output
   * @param onFailure called once, when writing has failed
   */
  constructor(to: string | Output, onFailure: () => void = () => {}) {
    this.#to = to;
    this.#onFailure = onFailure;
  }

  /** The error of a failed write; undefined: none. */
  get failure(): NodeJS.ErrnoException | undefined {
    return this.#failure;
  }

  /** Whether the reader of a pipe or a terminal has left. */
  get readerLeft(): boolean {
    const code = this.#failure?.code;
    return code === 'EPIPE' || (code === 'EIO' && typeof this.#to !== 'string' && this.#to.isTTY === true);
  }

  /** The error to throw where output was lost. A reader that left is no loss. */
  get loss(): Error | undefined {
    if (!this.#failure || this.readerLeft) return undefined;
    const place = typeof this.#to === 'string' ? this.#to : 'standard output';
    return new Error(`Cannot write ${place}: ${this.#failure.message}`, { cause: this.#failure });
  }

  /** @throws Error where output was lost */
  check(): void {
    if (this.loss) throw this.loss;
  }

  /** Resolves when the text is written; after a failure, at once. */
  write(text: string): Promise<void> {
    if (this.#failure || text === '') return Promise.resolve();
    return new Promise((done) =>
      this.#open().write(text, (error) => {
        if (error) this.#fail(error); // earlier than the event of the stream
        done();
      }),
    );
  }

  /** Closes a file. A file without a write is created. */
  close(): Promise<void> {
    if (this.#failure || typeof this.#to !== 'string') return Promise.resolve();
    const stream = this.#open();
    return new Promise((done) => {
      stream.once('close', done); // some file systems report errors only here
      stream.end();
    });
  }

  #fail(error: NodeJS.ErrnoException): void {
    if (this.#failure) return;
    this.#failure = error;
    this.#onFailure();
  }

  #open(): Writable {
    if (!this.#stream) {
      this.#stream = typeof this.#to === 'string' ? createWriteStream(this.#to) : streamTo(this.#to);
      this.#stream.on('error', (error) => this.#fail(error));
    }
    return this.#stream;
  }
}

function streamTo(stdout: Output): Writable {
  const fd = fileOrDevice(stdout);
  return fd === undefined ? stdout : createWriteStream('', { fd, autoClose: false });
}

/**
 * Returns the descriptor of a standard output that is a file or a device, since Node's own stream does not report a write
 * that a full disk cuts off. Undefined for a terminal, a pipe, a socket and a stream in memory.
 */
function fileOrDevice({ fd, isTTY }: Output): number | undefined {
  if (fd === undefined) return undefined;
  const file = fstatSync(fd);
  return file.isFile() || (file.isCharacterDevice() && !isTTY) ? fd : undefined;
}

/** Writes to standard output before it returns. @throws Error where output was lost */
export function printNow(text: string, stdout: Output): void {
  const fd = fileOrDevice(stdout);
  if (fd === undefined) {
    stdout.write(text);
    return;
  }
  try {
    writeFileSync(fd, text);
  } catch (cause) {
    throw new Error(`Cannot write standard output: ${(cause as Error).message}`, { cause });
  }
}

/**
 * Checks that files can be written, without touching them.
 * @param outputs files that will be overwritten
 * @param inputs files that must not be overwritten
 * @throws UsageError where a file cannot be written, or is named twice
 */
export function checkOutputs(outputs: readonly string[], inputs: readonly string[]): void {
  const seen = new Set(inputs.map(identity));
  for (const path of outputs) {
    if (path === '') throw new UsageError('Cannot write a file without a name');
    try {
      if (existsSync(path)) {
        if (statSync(path).isDirectory()) throw new Error('it is a folder');
        accessSync(path, constants.W_OK);
      } else accessSync(dirname(path), constants.W_OK);
    } catch (cause) {
      throw new UsageError(`Cannot write ${path}: ${(cause as Error).message}`, { cause });
    }
    if (seen.has(identity(path)))
      throw new UsageError(
        `Cannot write ${path}: the same file is also read, or written for another purpose`,
      );
    seen.add(identity(path));
  }
}

/**
 * Checks before a long run that the disks have room for what it writes at its end.
 * @param outputs files that will be written, beside standard output
 * @throws UsageError that names the first file without room
 */
export function checkRoom(outputs: readonly string[], { fd }: Output): void {
  if (fd !== undefined) refuseLackOf(() => checkStandardOutput(fd), 'standard output');
  for (const path of outputs) refuseLackOf(checkFile, path);
}

function refuseLackOf(check: (path: string) => void, path: string): void {
  try {
    check(path);
  } catch (cause) {
    throw new UsageError(`Cannot write ${path}: ${(cause as Error).message}`, { cause });
  }
}

/** An empty write, which /dev/full refuses too. */
const NOTHING = Buffer.alloc(0);

/** The file behind standard output, on Linux alone. */
const OWN_OUTPUT = '/proc/self/fd/1';

/** Checks the room behind a standard output that is a file or a device. Pipes have none to check. */
function checkStandardOutput(fd: number): void {
  const output = fstatSync(fd);
  if (output.isCharacterDevice()) writeSync(fd, NOTHING);
  else if (output.isFile() && existsSync(OWN_OUTPUT)) checkDisk(OWN_OUTPUT);
}

function checkFile(path: string): void {
  if (existsSync(path) && statSync(path).isCharacterDevice()) writeNothing(path);
  else checkDisk(dirname(path));
}

function checkDisk(path: string): void {
  const { blocks, bavail } = statfsSync(path);
  if (blocks > 0 && bavail === 0) throw new Error('the disk is full'); // some file systems report no blocks at all
}

function writeNothing(path: string): void {
  const device = openSync(path, 'a');
  try {
    writeSync(device, NOTHING);
  } finally {
    closeSync(device);
  }
}

function identity(path: string): string {
  return existsSync(path) ? realpathSync(path) : resolve(path);
}
