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

/** Where something is written. Writing waits for a slow reader. A file is opened, and emptied, by the first write. */
export class Sink {
  readonly #path: string | undefined; // undefined = standard output
  readonly #onFailure: () => void;
  #stream: Writable | undefined;
  #failure: NodeJS.ErrnoException | undefined;

  /** @param onFailure called once, when nothing can be written any more */
  constructor(path: string | undefined, onFailure: () => void) {
    this.#path = path;
    this.#onFailure = onFailure;
  }

  /** Why writing failed; undefined while all is well. */
  get failure(): NodeJS.ErrnoException | undefined {
    return this.#failure;
  }

  /** Whether a pipe or a terminal has nobody at its other end any more. */
  get readerLeft(): boolean {
    const code = this.#failure?.code;
    return code === 'EPIPE' || (code === 'EIO' && this.#path === undefined && process.stdout.isTTY);
  }

  /** What to throw when something was lost. A reader that left is no loss. */
  get loss(): Error | undefined {
    if (!this.#failure || this.readerLeft) return undefined;
    const place = this.#path ?? 'standard output';
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
    if (this.#failure || this.#path === undefined) return Promise.resolve();
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
      this.#stream = this.#path === undefined ? standardOutput() : createWriteStream(this.#path);
      this.#stream.on('error', (error) => this.#fail(error));
    }
    return this.#stream;
  }
}

function standardOutput(): Writable {
  return isFileOrDevice() ? createWriteStream('', { fd: 1, autoClose: false }) : process.stdout;
}

/** Whether standard output is none of a terminal, a pipe and a socket: Node's own stream does not tell of what a full disk cuts off. */
function isFileOrDevice(): boolean {
  const output = fstatSync(1);
  return output.isFile() || (output.isCharacterDevice() && !process.stdout.isTTY);
}

/** Writes to standard output at once. @throws Error when something was lost */
export function printNow(text: string): void {
  if (!isFileOrDevice()) {
    process.stdout.write(text);
    return;
  }
  try {
    writeFileSync(1, text);
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
export function checkRoom(outputs: readonly string[]): void {
  refuseLackOf(checkStandardOutput, 'standard output');
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
function checkStandardOutput(): void {
  const output = fstatSync(1);
  if (output.isCharacterDevice()) writeSync(1, NOTHING);
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
