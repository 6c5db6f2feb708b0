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
 * Returns the whole prompt: file, standard input and words, in this order, with a blank line between them; or each text where
 * the words have a place for it. A line break at the end of a file or of standard input is dropped, as in llama.cpp. Beside a
 * file, standard input is read only where the words name it: in a shell's loop over files it is the list of files.
 * @param say receives a notice, once, if a redirected standard input stays silent
 */
export async function readPrompt(
  sources: PromptSources,
  io: Io,
  signal: AbortSignal,
  say: (line: string) => void,
): Promise<string> {
  const { words, prompt = words.join(' '), file } = sources;
  const fromFile = file === undefined || file === '-' ? undefined : await readText(file);
  const fromStdin = readsStdin(sources, io)
    ? await readStdin(io, prompt !== '' || Boolean(fromFile), signal, say)
    : undefined;
  const isFile = file === '-' && prompt.includes('{file}');
  return fillIn(prompt, isFile ? { file: fromStdin } : { file: fromFile, stdin: fromStdin });
}

/** Whether the prompt has a text from standard input. */
export function readsStdin({ words, prompt = words.join(' '), file, stdin }: PromptSources, io: Io): boolean {
  if (file === '-') return true;
  return stdin && io.isFed && (file === undefined || prompt.includes(PLACE));
}

/** Texts that a prompt has beside its words; undefined = there is none. */
interface Texts {
  readonly file?: string | undefined;
  readonly stdin?: string | undefined;
}

/** Puts texts into the places that the words have for them, `{file}` and `{stdin}`; without a place a text stands before the words. */
export function fillIn(words: string, texts: Texts): string {
  const given = new Map(Object.entries(texts).filter(([, text]) => text !== undefined));
  const before = [...given].flatMap(([name, text]) => (words.includes(`{${name}}`) ? [] : [text]));
  const filled = words.replaceAll(/\{(file|stdin)\}/g, (place, name) => given.get(name) ?? place);
  return [...before, filled].filter((part) => part !== '').join('\n\n');
}

/** Returns the text of a file, without a line break at its end. @throws UsageError; ResourceError for one that is too long */
export async function readText(path: string): Promise<string> {
  return decodeText(await readSource(path), path);
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

/** Returns the text of standard input, without a line break at its end. */
export async function readStdin(
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
