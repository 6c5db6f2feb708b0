import { existsSync } from 'node:fs';
import { type Command, Option } from 'commander';
import { UsageError } from '../errors.js';
import type { SettingsInput } from '../generation/settings.js';
import { checkJsonSchema } from '../text/json-schema.js';
import { readSmallFile } from './small-file.js';
import { utf8Decoder } from './utf8-decoder.js';

export interface GrammarFlags {
  /** Path, or the grammar itself. */
  readonly grammar?: string;
  /** Path, or the schema itself. */
  readonly jsonSchema?: string;
}

/** The name of a schema without a file. */
const SELF = 'the JSON schema';

export function addGrammarOptions(program: Command): void {
  program
    .addOption(
      new Option(
        '--json-schema <file>',
        'write JSON that obeys this schema, of a file or given as it is',
      ).conflicts(['grammar', 'ignoreEos']),
    )
    .addOption(
      new Option(
        '--grammar <file>',
        "write what this grammar allows, in llama.cpp's notation (GBNF), of a file or given as it is",
      ).conflicts('ignoreEos'),
    );
}

/** Returns the files among these flags, which must not be overwritten. */
export function grammarFiles({ grammar, jsonSchema }: GrammarFlags): string[] {
  return [
    ...(grammar === undefined || isGrammar(grammar) ? [] : [grammar]),
    ...(jsonSchema === undefined || isSchema(jsonSchema) ? [] : [jsonSchema]),
  ];
}

/**
 * What --grammar or --json-schema says, itself or in its file. `say` is told what a schema does not say and the text will
 * keep to.
 * @throws UsageError
 */
export function readGrammar(
  { grammar, jsonSchema }: GrammarFlags,
  say: (line: string) => void,
): SettingsInput['grammar'] {
  if (grammar !== undefined)
    return isGrammar(grammar) ? { gbnf: grammar } : { gbnf: rulesOf(textOf(grammar), grammar) };
  if (jsonSchema === undefined) return undefined;
  const itself = isSchema(jsonSchema);
  const name = itself ? SELF : jsonSchema;
  const schema = parse(itself ? jsonSchema : textOf(jsonSchema), name);
  for (const note of checkJsonSchema(schema)) say(`warning: ${name}: ${note}`);
  return { jsonSchema: schema };
}

/** Returns whether the value is a grammar itself, and not the name of a file. */
function isGrammar(grammar: string): boolean {
  return grammar.includes('::=') && !existsSync(grammar);
}

function isSchema(schema: string): boolean {
  return schema.trimStart().startsWith('{') && !existsSync(schema);
}

/** @throws UsageError for a file that cannot be read, or is not UTF-8 */
function textOf(file: string): string {
  if (file === '-')
    throw new UsageError(
      'Grammars and schemas are read from files, and - is none; bash makes one of a command: <(command)',
    );
  let bytes: Buffer;
  try {
    bytes = readSmallFile(file);
  } catch (cause) {
    if (cause instanceof UsageError) throw cause;
    throw new UsageError(`Cannot read ${file}: ${(cause as Error).message}`, { cause });
  }
  return utf8Decoder(file)(bytes);
}

/** Of no rule at all llama.cpp says nothing but that it failed. */
function rulesOf(gbnf: string, file: string): string {
  if (gbnf.includes('::=')) return gbnf;
  throw new UsageError(`${file} has no rule; a grammar says at least what root is: root ::= "yes" | "no"`);
}

function parse(text: string, file: string): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (cause) {
    const reason = (cause as Error).message.replaceAll(/\s*[\r\n]\s*/g, ' '); // it quotes the text
    throw new UsageError(`${file} is not JSON: ${reason}`, { cause });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new UsageError(`${file} must hold a JSON schema, which is an object`);
  return value as Record<string, unknown>;
}
