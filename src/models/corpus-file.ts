import { createHash, randomUUID } from 'node:crypto';
import { type FileHandle, open, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import { Corpus } from '../drafting/corpus.js';
import type { SortedTokens } from '../drafting/grow-corpus.js';
import { ModelFileError, PairMismatchError } from '../errors.js';
import type { TokenId } from '../types.js';
import type { ModelHeader, Vocabulary } from './header.js';

const MAGIC = Buffer.from('MTADcrps');
const LENGTH = 4; // bytes of the length of the header
const LONGEST_HEADER = 2 ** 16;
const PIECE = 2 ** 26; // bytes read or written at once
const SHORT = 2 ** 16; // vocabularies from this size on have tokens of 32 bits

const headerSchema = z.object({
  schema: z.literal(1),
  /** A hash of the model's tokens. The corpus suits no others. */
  vocabulary: z.string(),
  /** The file of the model that it was made for. */
  model: z.string(),
  /** 0: a history that was just begun. */
  tokens: z.int().nonnegative(),
  /** Bytes of a token in the file. */
  tokenBytes: z.union([z.literal(2), z.literal(4)]),
  texts: z.int().nonnegative(),
});

/** The facts about a corpus file. */
export type CorpusFacts = z.output<typeof headerSchema> & { readonly path: string; readonly bytes: number };

const hashes = new WeakMap<Vocabulary, string>(); // hashing 128,000 tokens takes time, and histories ask at each write

/** Returns a hash that differs for other tokens. */
export function vocabularyHash(vocabulary: Vocabulary): string {
  const { tokens, bos, eos } = vocabulary;
  const hash =
    hashes.get(vocabulary) ??
    createHash('sha256')
      .update(JSON.stringify([tokens, bos, eos]))
      .digest('hex');
  hashes.set(vocabulary, hash);
  return hash;
}

/** Returns an array for the tokens of a vocabulary, of 16 bits each where those are enough. */
export function tokenArray({ tokens }: Vocabulary, length: number): Uint16Array | Uint32Array {
  return tokens.length < SHORT ? new Uint16Array(length) : new Uint32Array(length);
}

/** Returns the tokens that stand behind each text of a corpus: one, or none where the vocabulary has no end token. */
export function textEnd({ eos }: Vocabulary): readonly TokenId[] {
  return eos === undefined ? [] : [eos];
}

/** @throws ModelFileError for a file that is not a whole corpus */
export async function readCorpusFacts(path: string): Promise<CorpusFacts> {
  await using file = await opened(path);
  return (await factsIn(file, path)).facts;
}

/** @throws PairMismatchError for a corpus of other tokens */
export function checkCorpus({ path, vocabulary, model }: CorpusFacts, target: ModelHeader): void {
  if (vocabulary !== vocabularyHash(target.vocabulary))
    throw new PairMismatchError(
      `${path} was made for the tokens of ${model}, and ${basename(target.path)} has others: make one with mtad learn`,
    );
}

/** Reads a whole corpus. @throws ModelFileError */
export async function readCorpus(path: string): Promise<Corpus> {
  const { tokens, order } = await readSortedTokens(path);
  return new Corpus(tokens, order);
}

/** Reads the tokens of a corpus and their order, which takes as much memory as the file has bytes. @throws ModelFileError */
export async function readSortedTokens(path: string): Promise<SortedTokens> {
  await using file = await opened(path);
  const { facts, start } = await factsIn(file, path);
  const tokens = facts.tokenBytes === 2 ? new Uint16Array(facts.tokens) : new Uint32Array(facts.tokens);
  const order = new Uint32Array(facts.tokens);
  await readInto(file, tokens, start);
  await readInto(file, order, start + padded(tokens.byteLength));
  if (order.some((position) => position >= facts.tokens)) throw damaged(path);
  return { tokens, order };
}

/** The facts of a corpus that its writer tells. */
export type CorpusAbout = Pick<CorpusFacts, 'vocabulary' | 'model' | 'texts'>;

/** How a corpus is written. */
export interface CorpusWriting {
  /** Of the file. */
  readonly mode?: number | undefined;
  /** Where the file is made, on the same disk; undefined: beside its place. */
  readonly folder?: string | undefined;
  /** Asked when the file is complete; undefined: it always gets its place. */
  readonly mayReplace?: (() => Promise<boolean>) | undefined;
}

/**
 * Writes a corpus. The file gets its name once it is complete.
 * @returns whether it may have got it
 * @throws Error that names the file, and not the unfinished one
 */
export async function writeCorpus(
  path: string,
  { tokens, order }: SortedTokens,
  about: CorpusAbout,
  { mode = 0o666, folder = dirname(path), mayReplace = async () => true }: CorpusWriting = {},
): Promise<boolean> {
  const header = { schema: 1, ...about, tokens: tokens.length, tokenBytes: tokens.BYTES_PER_ELEMENT };
  const text = Buffer.from(JSON.stringify(header));
  const length = Buffer.alloc(LENGTH);
  length.writeUInt32LE(text.length);
  const head = Buffer.concat([MAGIC, length, text]);
  const start = padded(head.length);
  const whole = join(folder, `${basename(path)}.${randomUUID()}.tmp`);
  try {
    await using file = await open(whole, 'w', mode);
    await file.write(Buffer.concat([head, Buffer.alloc(start - head.length)]), 0, undefined, 0);
    await writeFrom(file, tokens, start);
    await writeFrom(file, order, start + padded(tokens.byteLength));
    await file.sync();
    const isMine = await mayReplace();
    await (isMine ? rename(whole, path) : rm(whole, { force: true }));
    return isMine;
  } catch (cause) {
    await rm(whole, { force: true });
    const [reason] = (cause as Error).message.split(`, `); // what follows names the unfinished file
    throw new Error(`Cannot write ${path}: ${reason}`, { cause });
  }
}

/** @returns whether a file begins like a corpus; false where there is none */
export async function isCorpus(path: string): Promise<boolean> {
  try {
    await using file = await open(path);
    const { buffer } = await file.read(Buffer.alloc(MAGIC.length), 0, MAGIC.length, 0);
    return buffer.equals(MAGIC);
  } catch {
    return false;
  }
}

function opened(path: string): Promise<FileHandle> {
  return open(path).catch((cause) => {
    throw new ModelFileError(`Cannot read the corpus ${path}: ${cause.message}`, { cause });
  });
}

function damaged(path: string): ModelFileError {
  return new ModelFileError(`${path} is no corpus, or not a whole one: make it with mtad learn`);
}

async function factsIn(file: FileHandle, path: string): Promise<{ facts: CorpusFacts; start: number }> {
  const size = (await file.stat()).size;
  const { buffer, bytesRead } = await file.read(Buffer.alloc(LONGEST_HEADER), 0, LONGEST_HEADER, 0);
  const isMarked = bytesRead > MAGIC.length + LENGTH && buffer.subarray(0, MAGIC.length).equals(MAGIC);
  if (!isMarked) throw damaged(path);
  const end = MAGIC.length + LENGTH + buffer.readUInt32LE(MAGIC.length);
  const { success, data } = headerSchema.safeParse(jsonIn(buffer.subarray(MAGIC.length + LENGTH, end)));
  if (!success) throw damaged(path);
  const start = padded(end);
  const bytes = start + padded(data.tokens * data.tokenBytes) + data.tokens * Uint32Array.BYTES_PER_ELEMENT;
  if (bytes !== size) throw damaged(path);
  return { facts: { ...data, path, bytes }, start };
}

function jsonIn(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString());
  } catch {
    return undefined;
  }
}

/** Numbers begin at multiples of their size. */
function padded(bytes: number): number {
  return Math.ceil(bytes / Uint32Array.BYTES_PER_ELEMENT) * Uint32Array.BYTES_PER_ELEMENT;
}

/** Every machine that llama.cpp's builds are for has its lowest byte first. */
async function readInto(file: FileHandle, numbers: Uint16Array | Uint32Array, start: number): Promise<void> {
  const bytes = Buffer.from(numbers.buffer);
  for (let done = 0; done < bytes.length; ) {
    const { bytesRead } = await file.read(bytes, done, Math.min(PIECE, bytes.length - done), start + done);
    if (bytesRead === 0) throw new Error('The corpus became shorter while it was read');
    done += bytesRead;
  }
}

async function writeFrom(file: FileHandle, numbers: Uint16Array | Uint32Array, start: number): Promise<void> {
  const bytes = Buffer.from(numbers.buffer, numbers.byteOffset, numbers.byteLength);
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await file.write(
      bytes,
      done,
      Math.min(PIECE, bytes.length - done),
      start + done,
    );
    done += bytesWritten;
  }
}
