import { text as textOf } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { UsageError } from '../errors.js';
import { type Owner, openSource } from '../trace/open-source.js';

/** A text that all contenders continue. */
export interface BenchmarkPrompt {
  /** The name of the prompt, unique in its file. */
  readonly id: string;
  readonly text: string;
}

/** The built-in prompts: beginnings of stories, which the embedded pair can continue. */
const BUILT_IN = fileURLToPath(new URL('../../gguf/prompts.jsonl', import.meta.url));

const text = z.string().min(1);
const id = { question_id: z.union([z.string(), z.number()]).optional() };

/** Spec-Bench's form, of which only the first turn is used, and a plain form. Other keys are allowed. */
const line = z.union([
  z.object({ ...id, prompt: text }).transform(({ question_id, prompt }) => ({ question_id, text: prompt })),
  z
    .object({ ...id, turns: z.tuple([text], text) })
    .transform(({ question_id, turns }) => ({ question_id, text: turns[0] })),
]);

/**
 * Prompts from a file of JSON lines, from standard input (`-`), or the built-in ones.
 * @param limit the most prompts, the first of the file
 * @param owner of standard input; this process by default
 * @throws UsageError that names file and line of a wrong prompt, also behind the limit
 */
export async function readPrompts(
  path: string | undefined,
  limit: number,
  owner?: Owner,
): Promise<BenchmarkPrompt[]> {
  const { name, stream } = openSource(path ?? BUILT_IN, owner);
  const file = await textOf(stream).catch((cause: Error) => {
    throw new UsageError(`Cannot read the prompts: ${cause.message}`, { cause });
  });
  const seen = new Set<string>();
  const prompts = file
    .replace(/^\uFEFF/, '')
    .split('\n')
    .flatMap((source, i) => {
      if (source.trim() === '') return [];
      const { question_id = i + 1, text } = parseLine(source, `${name}, line ${i + 1}`);
      const shown = `${question_id}`.replaceAll(/\s/g, ' ').replaceAll(/\p{Cc}/gu, ''); // harmless on a terminal
      const id = seen.has(shown) ? `${shown} (line ${i + 1})` : shown;
      seen.add(id);
      return [{ id, text }];
    });
  if (prompts.length === 0)
    throw new UsageError(
      `${name} holds no prompts: it should have one JSON object per line, {"prompt": "..."}`,
    );
  return prompts.slice(0, limit);
}

function parseLine(source: string, place: string): z.output<typeof line> {
  let value: unknown;
  try {
    value = JSON.parse(source);
  } catch (cause) {
    throw new UsageError(`${place} is not JSON: it should be {"prompt": "..."}`, { cause });
  }
  const parsed = line.safeParse(value);
  if (!parsed.success)
    throw new UsageError(
      `${place} is no prompt: it should be {"prompt": "..."} or {"question_id": 1, "turns": ["..."]} with a text that is not empty`,
    );
  return parsed.data;
}
