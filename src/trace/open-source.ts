import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';

/** Where standard input is. It is opened where it is read only. */
export interface Owner {
  readonly stdin: Readable;
}

/** A file to be read, or the owner's standard input where it is called `-`. */
export function openSource(path: string, owner: Owner = process): { name: string; stream: Readable } {
  return path === '-'
    ? { name: 'Standard input', stream: owner.stdin }
    : { name: path, stream: createReadStream(path) };
}
