import { chmod, readFile, realpath, rename, rm, stat, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import { UsageError } from '../../errors.js';
import type { ChatMessage } from '../../templates/messages.js';

/** Of what this version writes and reads. */
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
 * Overwrites a saved conversation only, which keeps its permissions and a link that leads to it.
 * @throws UsageError when there is something else under this name, or it cannot be written
 */
export async function saveConversation(path: string, messages: readonly ChatMessage[]): Promise<void> {
  try {
    const target = await realpath(path).catch(absent);
    if (target !== undefined && typeof parse(await readFile(target, 'utf8')) === 'string')
      throw new Error('there is such a file, which is no saved conversation; give another name');
    const mode = target === undefined ? 0o600 : (await stat(target)).mode & 0o777;
    await replace(target ?? path, `${JSON.stringify({ schema: SCHEMA, messages }, undefined, 2)}\n`, mode);
  } catch (cause) {
    throw new UsageError(`Cannot save ${path}: ${reasonOf(cause)}`, { cause });
  }
}

/** @throws UsageError for a file that cannot be read or holds no conversation */
export async function loadConversation(path: string): Promise<ChatMessage[]> {
  const text = await readFile(path, 'utf8').catch((cause) => {
    throw new UsageError(`Cannot load ${path}: ${reasonOf(cause)}`, { cause });
  });
  const parsed = parse(text);
  if (typeof parsed === 'string') throw new UsageError(`Cannot load ${path}: ${parsed}`);
  return parsed;
}

/** All at once, so that what was saved before is not lost on a full disk. */
async function replace(path: string, text: string, mode: number): Promise<void> {
  const whole = `${path}.${process.pid}.tmp`;
  try {
    await writeFile(whole, text, { mode: 0o600 });
    await chmod(whole, mode); // which the umask does not narrow
    await rename(whole, path);
  } catch (error) {
    await rm(whole, { force: true });
    throw error;
  }
}

/** @returns the conversation, or why it is none */
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

/** Without what the system was doing to which file, such as the one that is renamed in the end. */
function reasonOf(error: unknown): string {
  return (error as Error).message.replace(/, \w+( '.*)?$/s, '');
}

function takesTurns(messages: readonly ChatMessage[]): boolean {
  const turns = messages[0]?.role === 'system' ? messages.slice(1) : messages;
  return (
    turns.length % 2 === 0 && turns.every(({ role }, i) => role === (i % 2 === 0 ? 'user' : 'assistant'))
  );
}
