import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ModelFileError, UsageError } from '../errors.js';

const embedded = (name: string) => fileURLToPath(new URL(`../../gguf/${name}`, import.meta.url));

/** The pair that comes with the package: two small story models. */
export const EMBEDDED_PAIR = {
  model: embedded('stories-target-f16.gguf'),
  draft: embedded('stories-draft-f16.gguf'),
};

/**
 * The file that a user means by a name: a path from the current folder, else a file in the models folder.
 * @throws ModelFileError naming the places that were looked at
 * @throws UsageError for addresses, which this release does not fetch
 */
export function resolveModel(name: string, modelsDir: string | undefined): string {
  if (/^(hf|huggingface|https?):/i.test(name))
    throw new UsageError(`${name}: this release does not download models; fetch the file and give its path`);
  const places = [resolve(name), ...(modelsDir ? [join(resolve(modelsDir), name)] : [])];
  const found = places.find((place) => existsSync(place));
  if (!found)
    throw new ModelFileError(
      `No model file ${name}; looked at ${places.join(' and ')}${modelsDir ? '' : ' (--models-dir names a folder to look in)'}`,
    );
  return found;
}
