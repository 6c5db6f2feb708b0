import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';

/** The owner of standard input, which is opened only where it is read. */
export interface Owner {
  readonly stdin: Readable;
}

/** What messages call a file to read. */
export function sourceName(path: string): string {
  return path === '-' ? 'Standard input' : path;
}

/** Opens a file to read, or the owner's standard input if the path is `-`. */
export function openSource(path: string, owner: Owner = process): { name: string; stream: Readable } {
  return { name: sourceName(path), stream: path === '-' ? owner.stdin : createReadStream(path) };
}
