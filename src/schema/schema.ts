import { UsageError } from '../errors.js';

/** A JSON schema. */
export type Schema = Readonly<Record<string, unknown>>;

/** Whether a JSON value is an object. The schemas `true` and `false` are not read. */
export function isSchema(value: unknown): value is Schema {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** @throws UsageError with what is wrong with a schema, and its place */
export function refuse(path: string, problem: string): never {
  throw new UsageError(`JSON schema at ${path}: ${problem}`);
}
