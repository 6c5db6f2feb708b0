import {
  accessSync,
  closeSync,
  constants,
  createWriteStream,
  existsSync,
  openSync,
  realpathSync,
  statfsSync,
  statSync,
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

  /** @throws Error when something was lost. A reader that left is no loss */
  check(): void {
    if (this.#failure && this.#failure.code !== 'EPIPE')
      throw new Error(`Cannot write ${this.#path ?? 'standard output'}: ${this.#failure.message}`, {
        cause: this.#failure,
      });
  }

  /** Resolves when the text has left; after a failure, at once. */
  write(text: string): Promise<void> {
    if (this.#failure || text === '') return Promise.resolve();
    return new Promise((done) => this.#open().write(text, () => done()));
  }

  /** Completes a file, also one that nothing was written to. */
  close(): Promise<void> {
    if (this.#failure || this.#path === undefined) return Promise.resolve();
    const stream = this.#open();
    return new Promise((done) => {
      stream.once('error', () => done());
      stream.end(done);
    });
  }

  #open(): Writable {
    if (!this.#stream) {
      this.#stream = this.#path === undefined ? process.stdout : createWriteStream(this.#path);
      this.#stream.on('error', (error: NodeJS.ErrnoException) => {
        if (this.#failure) return;
        this.#failure = error;
        this.#onFailure();
      });
    }
    return this.#stream;
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
 * @throws UsageError naming the first file for which there is no room
 */
export function checkRoom(outputs: readonly string[]): void {
  for (const path of outputs) {
    try {
      if (existsSync(path) && statSync(path).isCharacterDevice()) writeNothing(path);
      else if (statfsSync(dirname(path)).bavail === 0) throw new Error('the disk is full');
    } catch (cause) {
      throw new UsageError(`Cannot write ${path}: ${(cause as Error).message}`, { cause });
    }
  }
}

/** /dev/full refuses even this. */
function writeNothing(device: string): void {
  const file = openSync(device, 'a');
  try {
    writeSync(file, Buffer.alloc(0));
  } finally {
    closeSync(file);
  }
}

function identity(path: string): string {
  return existsSync(path) ? realpathSync(path) : resolve(path);
}
