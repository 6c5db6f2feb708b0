import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ModelFileError } from '../errors.js';
import { type Address, parseAddress } from './address.js';
import { type DownloadOptions, download } from './download.js';
import { findByName, findDownloaded, modelsFolder, notDownloaded } from './models-folder.js';

const embedded = (name: string) => fileURLToPath(new URL(`../../gguf/${name}`, import.meta.url));

/** The pair that comes with the package: two small story models. */
export const EMBEDDED_PAIR = {
  model: embedded('stories-target-f16.gguf'),
  draft: embedded('stories-draft-f16.gguf'),
};

/** How to find the model of a name, and how to download it. */
export interface ResolveOptions extends DownloadOptions {
  /** Whether the network is forbidden. */
  readonly offline?: boolean | undefined;
}

/**
 * Finds the model file that a name means: a path from the current folder, else a file in the models folder, else an
 * address. The model of an address is downloaded, unless the folder has it.
 * @returns the path of the file
 * @throws what `findModel` throws; ModelFileError with the reason why a download failed
 */
export async function resolveModel(name: string, options: ResolveOptions = {}): Promise<string> {
  return (await resolveModels([name], options))[0]!;
}

/** Does the same for several names. Nothing is downloaded before all models are found. */
export async function resolveModels(
  names: readonly string[],
  options: ResolveOptions = {},
): Promise<string[]> {
  const found: (string | Address)[] = [];
  for (const name of names) found.push(await findModel(name, options));
  const addresses = found.filter((one) => typeof one !== 'string');
  const paths: string[] = [];
  for await (const { path } of download(addresses, options)) paths.push(path);
  return found.map((one) => (typeof one === 'string' ? one : paths[addresses.indexOf(one)]!));
}

/**
 * Does the same without the network.
 * @returns a path, or the address of a model that is not downloaded
 * @throws ModelFileError with the places that were searched
 * @throws UsageError for a malformed address
 */
export async function findModel(
  name: string,
  { modelsDir, offline }: Pick<ResolveOptions, 'modelsDir' | 'offline'>,
): Promise<string | Address> {
  const path = resolve(name);
  if (existsSync(path)) return path;
  const folder = modelsFolder(modelsDir);
  const address = parseAddress(name);
  if (address) {
    const downloaded = await findDownloaded(address, folder);
    if (!downloaded && offline) throw notDownloaded(address, folder);
    return downloaded ?? address;
  }
  const found = await findByName(name, folder);
  if (found) return found;
  throw new ModelFileError(
    `No model file ${name}; looked at ${path} and ${join(folder, name)} (a model to download is named hf:user/repo:Q4_K_M)`,
  );
}
