import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { addAbortSignal, type Readable } from 'node:stream';
import { glob, isDynamicPattern } from 'tinyglobby';
import { UsageError } from '../../errors.js';
import { promptOf } from '../../generation/generate.js';
import { bytesText } from '../../models/bytes-text.js';
import { byteLines } from '../../text/byte-lines.js';
import type { Io } from '../io.js';
import { fillIn, readText } from '../prompt.js';
import { utf8Decoder } from '../utf8-decoder.js';
import { type Asked, type Id, idIn, type Manner, parseLine } from './line.js';

/** A text to write, or why it cannot be. */
export interface Input {
  /** Its own; where it has none, the number of its line. */
  readonly id: Id;
  /** From 1; of a file its number among the files. */
  readonly line: number;
  readonly asked: Asked | Error;
}

/** Where inputs come from. */
export interface Inputs {
  /** The files among which a text is named by its path; undefined = they are lines. */
  readonly files: readonly string[] | undefined;
  /** Undefined = not known beforehand. */
  readonly total: number | undefined;
  /** The place of an input, for messages. */
  placeOf(line: number): string;
  read(manner: Manner): AsyncGenerator<Input>;
}

/** Bytes of a line that is read. */
const LONGEST_LINE = 2 ** 26;

/**
 * The lines of a file of JSON lines, or of standard input (`-`).
 * @throws UsageError for a file that cannot be read, or has no line
 */
export async function linesOf(path: string, io: Io, signal: AbortSignal): Promise<Inputs> {
  const open = (): Readable =>
    path === '-' ? addAbortSignal(signal, io.stdin) : createReadStream(path, { signal });
  const name = path === '-' ? 'Standard input' : path;
  const facts = path === '-' ? undefined : await stat(path).catch(cannotRead);
  if (facts?.isDirectory())
    throw new UsageError(`${path} is a folder, not a file of JSON lines: give its files with -f '${path}/*'`);
  const total = facts?.isFile() ? await count(open()) : undefined;
  if (total === 0) throw noInputs(name);
  return {
    files: undefined,
    total,
    placeOf: (line) => `${name}, line ${line}`,
    async *read(manner) {
      let found = 0;
      for await (const line of byteLines(open(), LONGEST_LINE)) {
        if (isBlank(line.bytes)) continue;
        found += 1;
        yield inputOf(line.bytes, line.number, manner);
      }
      if (found === 0) throw noInputs(name);
    },
  };
}

function noInputs(name: string): UsageError {
  return new UsageError(
    `${name} holds no inputs: it should have one JSON object per line, {"id": "a", "prompt": "..."}`,
  );
}

function cannotRead(cause: Error): never {
  throw new UsageError(`Cannot read the inputs: ${cause.message}`, { cause });
}

async function count(stream: Readable): Promise<number> {
  let lines = 0;
  try {
    for await (const { bytes } of byteLines(stream, LONGEST_LINE)) if (!isBlank(bytes)) lines += 1;
  } catch (cause) {
    cannotRead(cause as Error);
  }
  return lines;
}

/** A line that is too long is not. */
function isBlank(bytes: Buffer | undefined): boolean {
  return bytes?.every((byte) => byte === 0x20 || byte === 0x09) ?? false;
}

function inputOf(bytes: Buffer | undefined, line: number, manner: Manner): Input {
  let id: Id | undefined;
  try {
    if (!bytes) throw new UsageError(`the line is longer than ${bytesText(LONGEST_LINE)}`);
    const value = parseJson(utf8Decoder('the line')(bytes));
    id = idIn(value);
    return { id: id ?? line, line, asked: parseLine(value, manner) };
  } catch (error) {
    return { id: id ?? line, line, asked: error as Error };
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new UsageError(`not JSON: ${(cause as Error).message}`, { cause });
  }
}

/**
 * Files, each of them an input under its path, with the same words.
 * @param given paths and patterns
 * @param stdin the text that `{stdin}` in the words stands for
 * @throws UsageError for a pattern that no file matches
 */
export async function filesOf(
  given: readonly string[],
  words: string,
  stdin: string | undefined,
): Promise<Inputs> {
  const paths: string[] = [];
  for (const one of given) paths.push(...(await matching(one)));
  const unique = [...new Set(paths)];
  return {
    files: unique,
    total: unique.length,
    placeOf: (line) => unique[line - 1]!,
    async *read({ inTemplate, system }) {
      for (const [i, path] of unique.entries())
        yield { id: path, line: i + 1, asked: await promptFrom(path).catch((error: Error) => error) };

      async function promptFrom(path: string): Promise<Asked> {
        const text = fillIn(words, { file: await readText(path), stdin });
        if (text === '') throw new UsageError('The file is empty');
        return { prompt: promptOf(text, { inTemplate, system }), settings: {} };
      }
    },
  };
}

/** A path that is there is itself, whatever its letters mean in a pattern. */
async function matching(given: string): Promise<string[]> {
  const isFile = await stat(given).then(
    (facts) => !facts.isDirectory(),
    () => !isDynamicPattern(given),
  );
  if (isFile) return [given];
  const found = await glob(given, { expandDirectories: false, dot: false });
  if (found.length === 0) throw new UsageError(`No file matches ${JSON.stringify(given)}`);
  return found.sort();
}
