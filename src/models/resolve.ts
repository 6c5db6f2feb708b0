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

/** How to come by a model that is named by an address. */
export interface ResolveOptions extends DownloadOptions {
  /** Never use the network. */
  readonly offline?: boolean | undefined;
}

/**
 * The file that a user means by a name: a path from the current folder, else a file in the models folder, else an
 * address, whose model is downloaded unless the folder has it.
 * @throws what `findModel` throws; ModelFileError naming what the download failed of
 */
export async function resolveModel(name: string, options: ResolveOptions = {}): Promise<string> {
  return (await resolveModels([name], options))[0]!;
}

/** The same of several: nothing is downloaded before all are found. */
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
 * The same without the network.
 * @returns a path, or the address of what is not downloaded
 * @throws ModelFileError naming the places that were looked at
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
