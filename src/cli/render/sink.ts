import { accessSync, constants, createWriteStream, existsSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { Writable } from 'node:stream';
import { UsageError } from '../../errors.js';

/** Where text goes. Writing waits for a slow reader. */
export class Sink {
  readonly #stream: Writable;
  readonly #owned: boolean; // whether we opened it, and must close it
  #failure: NodeJS.ErrnoException | undefined;

  /** @param onFailure called once, when the stream cannot be written to any more */
  constructor(stream: Writable, owned: boolean, onFailure: () => void) {
    this.#stream = stream;
    this.#owned = owned;
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (this.#failure) return;
      this.#failure = error;
      onFailure();
    });
  }

  static stdout(onFailure: () => void): Sink {
    return new Sink(process.stdout, false, onFailure);
  }

  static file(path: string, onFailure: () => void): Sink {
    return new Sink(createWriteStream(path), true, onFailure);
  }

  /** Why writing failed; undefined while all is well. */
  get failure(): NodeJS.ErrnoException | undefined {
    return this.#failure;
  }

  /** Resolves when the text has left; after a failure, at once. */
  write(text: string): Promise<void> {
    if (this.#failure || text === '') return Promise.resolve();
    return new Promise((resolve) => this.#stream.write(text, () => resolve()));
  }

  close(): Promise<void> {
    if (!this.#owned || this.#failure) return Promise.resolve();
    return new Promise((resolve) => {
      this.#stream.once('error', () => resolve());
      this.#stream.end(resolve);
    });
  }
}

/** @throws UsageError when a file cannot be written, without touching it */
export function checkWritable(path: string): void {
  try {
    if (existsSync(path)) {
      if (statSync(path).isDirectory()) throw new Error('it is a folder');
      accessSync(path, constants.W_OK);
    } else accessSync(dirname(path), constants.W_OK);
  } catch (cause) {
    throw new UsageError(`Cannot write ${path}: ${(cause as Error).message}`, { cause });
  }
}
