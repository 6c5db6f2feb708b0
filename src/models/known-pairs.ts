import { readFile } from 'node:fs/promises';
import { closest, distance } from 'fastest-levenshtein';
import { z } from 'zod';
import { UsageError } from '../errors.js';

const modelSchema = z.strictObject({
  address: z.string().startsWith('hf:'),
  license: z.string().min(1),
  approximateBytes: z.int().positive(), // of the file, in the three digits that the hub's pages show
  cacheBytesPerToken: z.int().positive(), // of a KV cache in F16
  contextSize: z.int().positive(), // tokens the model was trained on at once
});

const pairSchema = z.strictObject({
  name: z.string().regex(/^[a-z0-9.-]+$/),
  target: modelSchema,
  draft: modelSchema,
  /**
   * Settings of `generate`, by name: those that the makers of the target recommend, and those that suit the pair. A
   * setting of the user takes precedence.
   */
  settings: z.record(z.string(), z.number()),
});

/** The addresses of a target and a draft model that make a pair by their published headers; see gguf/README.md. */
export type KnownPair = z.output<typeof pairSchema>;

const TABLE = new URL('../../gguf/pairs.json', import.meta.url);

/** @returns the pairs that have a name, in the order of the table */
export async function knownPairs(): Promise<KnownPair[]> {
  return z.array(pairSchema).parse(JSON.parse(await readFile(TABLE, 'utf8')));
}

/**
 * @returns the pair of a name
 * @throws UsageError for a name that is not in the table
 */
export async function knownPair(name: string): Promise<KnownPair> {
  const pairs = await knownPairs();
  const found = pairs.find((pair) => pair.name === name);
  if (found) return found;
  const offers = offersFor(
    name.toLowerCase(),
    pairs.map((pair) => pair.name),
  );
  const or = new Intl.ListFormat('en-GB', { type: 'disjunction' }); // takes tens of milliseconds to make
  const hint = offers.length > 0 ? `; did you mean ${or.format(offers)}?` : '';
  throw new UsageError(`There is no pair ${JSON.stringify(name)}${hint} (mtad pairs lists them)`);
}

/** @returns the names that begin with `typed`, else one similar name, if there is one */
function offersFor(typed: string, names: readonly string[]): string[] {
  if (typed === '') return [];
  const begun = names.filter((name) => name.startsWith(typed));
  const near = closest(typed, names);
  return begun.length > 0 || distance(typed, near) > typed.length / 2 ? begun : [near];
}
