import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { stateFolder } from '../../user-folders.js';
import type { Io } from '../io.js';

/** Number of lines that are kept. */
const MOST = 1000;

/**
 * The lines that were typed in earlier conversations, for the arrow keys. Where they cannot be read, there are none; where
 * they cannot be written, they are lost. Neither is an error.
 */
export class TypedHistory {
  readonly #path: string;
  readonly #typed: string[] = []; // in this conversation, the newest first

  constructor({ env }: Pick<Io, 'env'>) {
    this.#path = join(stateFolder(env), 'chat-history.json');
  }

  /** Returns the lines of earlier conversations, the newest first. */
  async lines(): Promise<string[]> {
    try {
      const lines: unknown = JSON.parse(await readFile(this.#path, 'utf8'));
      return Array.isArray(lines) ? lines.filter((line) => typeof line === 'string') : [];
    } catch {
      return [];
    }
  }

  add(line: string): void {
    this.#typed.unshift(line);
  }

  /** Saves the new lines in front of the saved ones, which another conversation may have changed meanwhile. */
  async keep(): Promise<void> {
    if (this.#typed.length === 0) return;
    const lines = [...new Set([...this.#typed, ...(await this.lines())])].slice(0, MOST);
    const whole = `${this.#path}.${process.pid}.tmp`;
    try {
      await mkdir(dirname(this.#path), { recursive: true });
      await writeFile(whole, JSON.stringify(lines, undefined, 1), { mode: 0o600 });
      await rename(whole, this.#path);
    } catch {
      // a folder that cannot be written is no reason to end a conversation otherwise
    }
  }
}
