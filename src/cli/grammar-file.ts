import { readFileSync } from 'node:fs';
import { UsageError } from '../errors.js';
import { checkJsonSchema } from '../generation/json-schema.js';
import type { SettingsInput } from '../generation/settings.js';

export interface GrammarFlags {
  readonly grammar?: string; // path
  readonly jsonSchema?: string; // path
}

/**
 * The file of --grammar or --json-schema. `say` is told what a schema does not say and the text will keep to.
 * @throws UsageError
 */
export function readGrammar(
  { grammar, jsonSchema }: GrammarFlags,
  say: (line: string) => void,
): SettingsInput['grammar'] {
  if (grammar !== undefined) return { gbnf: textOf(grammar) };
  if (jsonSchema === undefined) return undefined;
  const schema = parse(textOf(jsonSchema), jsonSchema);
  for (const note of checkJsonSchema(schema)) say(`warning: ${jsonSchema}: ${note}`);
  return { jsonSchema: schema };
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new UsageError(`Cannot read ${file}: ${(cause as Error).message}`, { cause });
  }
}

function parse(text: string, file: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    throw new UsageError(`${file} is not JSON: ${(cause as Error).message}`, { cause });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new UsageError(`${file} must hold a JSON schema, which is an object`);
  return value as Record<string, unknown>;
}
