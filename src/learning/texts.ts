import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { byteLines } from '../text/byte-lines.js';

/** A piece of a text in a file. */
export interface TextPiece {
  readonly text: string;
  /** Whether it is the last piece of its text. */
  readonly isLast: boolean;
  /** Number of bytes of the file that are read so far. */
  readonly read: number;
}

/** Characters of a piece, few enough for the tokenizer to be fast. */
const PIECE = 2 ** 16;

/** The most bytes of a line. */
const LONGEST_LINE = 2 ** 26;

/** The line between the texts of a data set. */
const SEPARATOR = '<|endoftext|>';

/** Keys of JSON lines with texts, in the order in which the texts are joined. */
const KEYS = [
  'system',
  'prompt',
  'question',
  'text',
  'content',
  'completion',
  'response',
  'answer',
  'output',
];

/** Folders whose files are not learned. */
const PASSED_OVER = new Set(['node_modules']);

/** A file to learn from. */
export interface Source {
  readonly path: string;
  readonly bytes: number;
}

/**
 * @param skip called with each path that is not a file, and the reason
 * @returns the files, and all files in the folders, without hidden ones
 */
export async function sourcesIn(
  paths: readonly string[],
  skip: (path: string, why: string) => void,
): Promise<Source[]> {
  const found: Source[] = [];
  for (const path of paths)
    try {
      const facts = await stat(path);
      if (facts.isDirectory()) found.push(...(await sourcesIn(await visibleIn(path), skip)));
      else if (facts.isFile()) found.push({ path, bytes: facts.size });
      else skip(path, 'it is no file');
    } catch (error) {
      skip(path, (error as Error).message);
    }
  return found;
}

async function visibleIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  return entries
    .filter(({ name }) => !name.startsWith('.') && !PASSED_OVER.has(name))
    .filter((entry) => entry.isFile() || entry.isDirectory()) // links may lead in circles
    .map(({ name }) => join(folder, name))
    .sort();
}

/** Yields the texts of a file. In JSON lines, each line is a text. @throws Error for a file that is not text */
export async function* textsOf(path: string, signal: AbortSignal): AsyncGenerator<TextPiece> {
  const isJson = ['.jsonl', '.ndjson'].includes(extname(path).toLowerCase());
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let waiting = '';
  let read = 0;
  for await (const { bytes, offset, length, number } of byteLines(
    createReadStream(path, { signal }),
    LONGEST_LINE,
  )) {
    read = offset + length;
    if (!bytes) throw new Error(`line ${number} is too long`);
    if (bytes.includes(0)) throw new Error('it is no text');
    const line = decoded(decoder, bytes);
    if (isJson) {
      if (line.trim() !== '') yield { text: textIn(line, number), isLast: true, read };
    } else if (line === SEPARATOR) {
      yield { text: waiting, isLast: true, read };
      waiting = '';
    } else {
      waiting += `${line}\n`;
      if (waiting.length < PIECE) continue;
      yield { text: waiting, isLast: false, read };
      waiting = '';
    }
  }
  if (waiting !== '') yield { text: waiting, isLast: true, read };
}

function decoded(decoder: InstanceType<typeof TextDecoder>, bytes: Buffer): string {
  try {
    return decoder.decode(bytes);
  } catch (cause) {
    throw new Error('it is not UTF-8 text', { cause });
  }
}

function textIn(line: string, number: number): string {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (cause) {
    throw new Error(`line ${number} is not JSON`, { cause });
  }
  if (typeof value !== 'object' || value === null) return '';
  const { messages, ...rest } = value as Record<string, unknown>;
  const turns = Array.isArray(messages) ? messages.map((message) => Object(message).content) : [];
  const texts = [...turns, ...KEYS.map((key) => (Object.hasOwn(rest, key) ? rest[key] : undefined))];
  return texts.filter((text) => typeof text === 'string').join('\n');
}
