import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { z } from 'zod';
import type { ChatMessage } from '../../engine/engine.js';
import { UsageError } from '../../errors.js';

const savedSchema = z.object({
  schema: z.literal(1),
  messages: z
    .array(z.strictObject({ role: z.enum(['system', 'user', 'assistant']), content: z.string() }))
    .refine(takesTurns, {
      error: 'the messages must be question and answer in turn, after a system message if any',
    }),
});

/** @throws UsageError when there is something else under this name, or it cannot be written */
export async function saveConversation(path: string, messages: readonly ChatMessage[]): Promise<void> {
  const whole = `${path}.${process.pid}.tmp`; // so that what was saved before is not lost on a full disk
  try {
    const old = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'ENOENT') throw error;
    });
    if (old !== undefined && !parse(old).success)
      throw new Error(`${path} exists and is no saved conversation; give another name`);
    await writeFile(whole, `${JSON.stringify({ schema: 1, messages }, undefined, 2)}\n`);
    await rename(whole, path);
  } catch (cause) {
    await rm(whole, { force: true });
    throw new UsageError(`Cannot save the conversation: ${(cause as Error).message}`, { cause });
  }
}

/** @throws UsageError for a file that cannot be read or holds no conversation */
export async function loadConversation(path: string): Promise<ChatMessage[]> {
  const text = await readFile(path, 'utf8').catch((cause: Error) => {
    throw new UsageError(`Cannot load the conversation: ${cause.message}`, { cause });
  });
  const parsed = parse(text);
  if (parsed.success) return parsed.data.messages;
  const [issue] = parsed.error.issues;
  throw new UsageError(
    `${path} is no saved conversation: ${[issue!.path.join('.'), issue!.message].filter(Boolean).join(': ')}`,
  );
}

function parse(text: string) {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  return savedSchema.safeParse(value);
}

function takesTurns(messages: readonly ChatMessage[]): boolean {
  const turns = messages[0]?.role === 'system' ? messages.slice(1) : messages;
  return (
    turns.length % 2 === 0 && turns.every(({ role }, i) => role === (i % 2 === 0 ? 'user' : 'assistant'))
  );
}
