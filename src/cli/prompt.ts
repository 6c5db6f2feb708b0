import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { addAbortSignal, type Readable } from 'node:stream';
import { ResourceError, UsageError } from '../errors.js';
import { bytesText } from '../models/bytes-text.js';
import type { Io } from './io.js';
import { utf8Decoder } from './utf8-decoder.js';

export interface PromptSources {
  readonly words: readonly string[];
  /** --prompt. */
  readonly prompt?: string | undefined;
  /** --file. */
  readonly file?: string | undefined;
  /** False: --no-stdin. */
  readonly stdin: boolean;
}

/** The mark in the prompt that standard input replaces. */
const PLACE = '{stdin}';

/** Milliseconds after which a silent standard input is mentioned. */
const PATIENCE_MS = 3000;

/** The most bytes of a file or of standard input. That is more than any context holds, and three such inputs fit into one string. */
const MOST = 2 ** 27;

/** Checks only the command line. @throws UsageError where the sources contradict each other */
export function checkSources({ words, prompt: option, file, stdin }: PromptSources, io: Io): void {
  const prompt = option ?? words.join(' ');
  if (option !== undefined && words.length > 0)
    throw new UsageError(
      `The prompt is given twice: --prompt ${JSON.stringify(option)} and ${JSON.stringify(words.join(' '))}`,
    );
  if (stdin && prompt.includes(PLACE) && file !== '-' && !io.isFed)
    throw new UsageError(`The prompt has a place for standard input, ${PLACE}, but nothing is piped in`);
  if (file === '-' && !stdin)
    throw new UsageError('--file - reads standard input, and --no-stdin forbids it');
}

/**
 * Returns the whole prompt: file, standard input and words, in this order, with a blank line between them. A line break at
 * the end of a file or of standard input is dropped, as in llama.cpp.
 * @param say receives a notice, once, if a redirected standard input stays silent
 */
export async function readPrompt(
  sources: PromptSources,
  io: Io,
  signal: AbortSignal,
  say: (line: string) => void,
): Promise<string> {
  const { words, prompt = words.join(' '), file, stdin } = sources;
  const fromFile = file === undefined || file === '-' ? '' : decodeText(await readSource(file), file);
  const readsStdin = file === '-' || (stdin && io.isFed);
  const fromStdin = readsStdin ? await readStdin(io, prompt !== '' || fromFile !== '', signal, say) : '';
  if (stdin && prompt.includes(PLACE)) return join([fromFile, prompt.replaceAll(PLACE, () => fromStdin)]);
  return join([fromFile, fromStdin, prompt]);
}

function join(parts: readonly string[]): string {
  return parts.filter((part) => part !== '').join('\n\n');
}

async function readSource(path: string): Promise<Buffer> {
  try {
    const { size } = await stat(path);
    if (size > MOST) throw tooLong(path, bytesText(size));
    return await readAll(createReadStream(path), path);
  } catch (cause) {
    if (cause instanceof ResourceError) throw cause;
    throw new UsageError(`Cannot read the prompt: ${(cause as Error).message}`, { cause });
  }
}

/** @throws ResourceError for an input that is too long or has no end */
async function readAll(stream: Readable, source: string): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stream) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes > MOST) throw tooLong(source, `more than ${bytesText(MOST)}`);
  }
  return Buffer.concat(chunks);
}

function tooLong(source: string, size: string): ResourceError {
  return new ResourceError(`${source} has ${size}, and no context holds so long a prompt; give a part of it`);
}

async function readStdin(
  { stdin }: Io,
  promptGiven: boolean,
  signal: AbortSignal,
  say: (line: string) => void,
): Promise<string> {
  const reminder = setTimeout(() => {
    if (promptGiven) say('waiting for standard input (--no-stdin if there is none)');
  }, PATIENCE_MS);
  stdin.once('data', () => clearTimeout(reminder));
  try {
    return decodeText(await readAll(addAbortSignal(signal, stdin), 'Standard input'), 'Standard input');
  } finally {
    clearTimeout(reminder);
  }
}

/** @throws UsageError for anything but UTF-8 */
function decodeText(bytes: Buffer, source: string): string {
  return utf8Decoder(source)(bytes).replace(/\r?\n$/, '');
}
