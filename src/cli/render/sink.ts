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

/** Where something is written. Writing waits for a slow reader. A file is opened, and emptied, by the first write. */
export class Sink {
  readonly #to: string | Output; // a file's path, or standard output
  readonly #onFailure: () => void;
  #stream: Writable | undefined;
  #failure: NodeJS.ErrnoException | undefined;

  /**
   * @param to a file's path, or standard output
   * @param onFailure called once, when nothing can be written any more
   */
  constructor(to: string | Output, onFailure: () => void = () => {}) {
    this.#to = to;
    this.#onFailure = onFailure;
  }

  /** Why writing failed; undefined while all is well. */
  get failure(): NodeJS.ErrnoException | undefined {
    return this.#failure;
  }

  /** Whether a pipe or a terminal has nobody at its other end any more. */
  get readerLeft(): boolean {
    const code = this.#failure?.code;
    return code === 'EPIPE' || (code === 'EIO' && typeof this.#to !== 'string' && this.#to.isTTY === true);
  }

  /** What to throw when something was lost. A reader that left is no loss. */
  get loss(): Error | undefined {
    if (!this.#failure || this.readerLeft) return undefined;
    const place = typeof this.#to === 'string' ? this.#to : 'standard output';
    return new Error(`Cannot write ${place}: ${this.#failure.message}`, { cause: this.#failure });
  }

  /** @throws Error when something was lost */
  check(): void {
    if (this.loss) throw this.loss;
  }

  /** Resolves when the text has left; after a failure, at once. */
  write(text: string): Promise<void> {
    if (this.#failure || text === '') return Promise.resolve();
    return new Promise((done) =>
      this.#open().write(text, (error) => {
        if (error) this.#fail(error); // before the stream itself tells of it
        done();
      }),
    );
  }

  /** Completes a file, also one that nothing was written to. */
  close(): Promise<void> {
    if (this.#failure || typeof this.#to !== 'string') return Promise.resolve();
    const stream = this.#open();
    return new Promise((done) => {
      stream.once('close', done); // some file systems tell only then
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
 * The descriptor of a standard output that is a file or a device, undefined for a terminal, a pipe, a socket and a stream
 * in memory: Node's own stream does not tell of what a full disk cuts off.
 */
function fileOrDevice({ fd, isTTY }: Output): number | undefined {
  if (fd === undefined) return undefined;
  const file = fstatSync(fd);
  return file.isFile() || (file.isCharacterDevice() && !isTTY) ? fd : undefined;
}

/** Writes to standard output at once. @throws Error when something was lost */
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
 * @param outputs files that will be overwritten
 * @param inputs files that must not be
 * @throws UsageError when a file cannot be written, or is named twice; none is touched
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
 * For what is written only at the end of a long run: a disk that is full now will not take it then.
 * @param outputs files that will be written, beside standard output
 * @throws UsageError naming the first of them for which there is no room
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

/** What even /dev/full refuses. */
const NOTHING = Buffer.alloc(0);

/** Where Linux shows the file that standard output is; other systems do not. */
const OWN_OUTPUT = '/proc/self/fd/1';

/** A file or a device: of pipes there is no telling. */
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
  if (blocks > 0 && bavail === 0) throw new Error('the disk is full'); // some file systems count nothing
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
