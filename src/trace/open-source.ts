import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';

/** A file to be read, or standard input where it is called `-`. */
export function openSource(path: string): { name: string; stream: Readable } {
  return path === '-'
    ? { name: 'Standard input', stream: process.stdin }
    : { name: path, stream: createReadStream(path) };
}
