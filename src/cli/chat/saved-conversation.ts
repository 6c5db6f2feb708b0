import { chmod, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { UsageError } from '../../errors.js';
import type { ChatMessage } from '../../templates/messages.js';
import { MOST_BYTES, readSmallFile } from '../small-file.js';

/** The version of the format that this program writes and reads. */
const SCHEMA = 1;

const savedSchema = z.object({
  schema: z.literal(SCHEMA),
  messages: z
    .array(
      z.strictObject({
        role: z.enum(['system', 'user', 'assistant']),
        content: z.string(),
        reasoning: z.string().optional(),
      }),
    )
    .refine(takesTurns, {
      error: 'the messages must be question and answer in turn, after a system message if any',
    }),
});

/**
 * Saves a conversation. It overwrites nothing but a saved conversation, whose permissions and links stay.
 * @throws UsageError where the name belongs to another file, or the file cannot be written, or could not be loaded again
 */
export async function saveConversation(path: string, messages: readonly ChatMessage[]): Promise<void> {
  try {
    const text = `${JSON.stringify({ schema: SCHEMA, messages }, undefined, 2)}\n`;
    const bytes = Buffer.byteLength(text);
    if (bytes > MOST_BYTES)
      throw new Error(
        `it would have ${bytes} bytes, and ${MOST_BYTES} can be loaded; /undo makes it shorter`,
      );
    const target = await realpath(path).catch(absent);
    if (target !== undefined && typeof parse(read(target)) === 'string')
      throw new Error('there is such a file, which is no saved conversation; give another name');
    const mode = target === undefined ? 0o600 : (await stat(target)).mode & 0o777;
    await replace(target ?? path, text, mode);
  } catch (cause) {
    throw new UsageError(`Cannot save ${path}: ${reasonOf(cause)}`, { cause });
  }
}

/** @throws UsageError for a file that cannot be read or holds no conversation */
export async function loadConversation(path: string): Promise<ChatMessage[]> {
  let text: string;
  try {
    text = read(path);
  } catch (cause) {
    throw new UsageError(`Cannot load ${path}: ${reasonOf(cause)}`, { cause });
  }
  const parsed = parse(text);
  if (typeof parsed === 'string') throw new UsageError(`Cannot load ${path}: ${parsed}`);
  return parsed;
}

/** A device may have no end. */
function read(path: string): string {
  return readSmallFile(path, 'a saved conversation').toString('utf8');
}

/** Replaces a file all at once, so that a full disk does not cost the conversation that was saved before. */
async function replace(path: string, text: string, mode: number): Promise<void> {
  const whole = `${path}.${process.pid}.tmp`;
  try {
    await writeFile(whole, text, { mode: 0o600 });
    await chmod(whole, mode); // chmod, unlike open, is not narrowed by the umask
    await rename(whole, path);
  } catch (error) {
    await rm(whole, { force: true });
    throw error;
  }
}

/** @returns the conversation, or the reason why the text is none */
function parse(text: string): ChatMessage[] | string {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return `it is not JSON: ${(error as Error).message}`;
  }
  const { success, data, error } = savedSchema.safeParse(value);
  if (success) return data.messages;
  const { schema } = Object(value);
  if (Number.isInteger(schema) && schema !== SCHEMA)
    return `it was written by another version of mtad (schema ${schema})`;
  const { path, message } = error.issues[0]!;
  return `it is no saved conversation: ${[path.join('.'), message].filter(Boolean).join(': ')}`;
}

function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error;
}

/** The reason of a failure, without the system call and its path, which may be that of a temporary file. */
function reasonOf(error: unknown): string {
  return (error as Error).message.replace(/, \w+( '.*)?$/s, '');
}

function takesTurns(messages: readonly ChatMessage[]): boolean {
  const turns = messages[0]?.role === 'system' ? messages.slice(1) : messages;
  return (
    turns.length % 2 === 0 && turns.every(({ role }, i) => role === (i % 2 === 0 ? 'user' : 'assistant'))
  );
}
