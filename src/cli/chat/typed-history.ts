import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { stateFolder } from '../../user-folders.js';
import type { Io } from '../io.js';

/** Lines that are kept. */
const MOST = 1000;

/**
 * What was typed in conversations before, for the arrow keys. It is a convenience: where it cannot be read or written, it is
 * empty or lost, and nothing else happens.
 */
export class TypedHistory {
  readonly #path: string;
  readonly #typed: string[] = []; // in this conversation, the newest first

  constructor({ env }: Pick<Io, 'env'>) {
    this.#path = join(stateFolder(env), 'chat-history.json');
  }

  /** Returns the lines of the conversations before, the newest first. */
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

  /** Keeps the new lines in front of those that are kept now, which another conversation may have written meanwhile. */
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
