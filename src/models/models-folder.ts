import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { ModelFileError } from '../errors.js';
import { cacheFolder } from '../user-folders.js';
import { type Address, addressText, type HubAddress } from './address.js';

/** Name of the folder for downloads that are not complete and checked yet. No model is looked for in it. */
export const PARTIAL = '.partial';

/** The quantisation that a hub gives where none is asked for, if it has this one. */
const USUAL_QUANT = 'Q4_K_M';

/** The end of the file name of a part of a model. */
export const PART = /-(\d{5})-of-(\d{5})\.gguf$/i;

/** @returns the folder of downloaded models: `given`, else a folder in the user's cache */
export function modelsFolder(given?: string, env: NodeJS.ProcessEnv = process.env): string {
  return given ? resolve(given) : join(cacheFolder(env), 'models');
}

/** @returns the path of a file of an address, relative to the models folder */
export function placeOf(address: Address, file: string): string {
  if (address.kind === 'hub') return join(repoFolder(address), file);
  return join('url', address.url.host.replaceAll(':', '_'), queryFolder(address.url), file);
}

/** A query may tell files apart. The signature of S3 and its like does not: it is another one each time. */
function queryFolder({ searchParams }: URL): string {
  const telling = [...searchParams].filter(([name]) => !/^x-(amz|goog)-/i.test(name));
  const query = new URLSearchParams(telling).toString();
  return query && createHash('sha256').update(query).digest('hex').slice(0, 12);
}

/** @returns the names of all files of a model, given any of them. llama.cpp's gguf-split makes several. */
export function partsOf(file: string): string[] {
  const count = Number(PART.exec(file)?.[2] ?? 1);
  if (!PART.test(file) || count < 1) return [file];
  return Array.from({ length: count }, (_, i) =>
    file.replace(PART, (end) => end.replace(/^-\d{5}/, `-${String(i + 1).padStart(5, '0')}`)),
  );
}

/**
 * Looks for the model of an address in the folder, without the network.
 * @returns the path of its file, or of its first part; undefined unless all parts are there
 */
export async function findDownloaded(address: Address, folder: string): Promise<string | undefined> {
  const file = fileOf(address);
  const found = file
    ? [join(folder, placeOf(address, file))]
    : await candidates(address as HubAddress, folder);
  if (found.length !== 1) return undefined; // several: the hub knows which is meant
  const parts = partsOf(found[0]!);
  return parts.every((part) => existsSync(part)) ? parts[0] : undefined;
}

/**
 * Looks for a model file of a name anywhere in the folder.
 * @returns its path; undefined where there is none
 * @throws ModelFileError when there are several
 */
export async function findByName(name: string, folder: string): Promise<string | undefined> {
  const direct = join(folder, name);
  if (existsSync(direct)) return direct;
  if (basename(name) !== name) return undefined;
  const found = (await modelsBelow(folder)).filter((path) => basename(path) === name);
  if (found.length > 1)
    throw new ModelFileError(`${found.length} models are named ${name}: give one of ${found.join(', ')}`);
  return found[0] && join(folder, found[0]);
}

/** @returns the file that an address names; undefined where it names a quantisation or nothing */
export function fileOf(address: Address): string | undefined {
  return address.kind === 'hub' ? address.file : decodeURIComponent(address.url.pathname).slice(1);
}

function repoFolder({ user, repo, branch }: HubAddress): string {
  return join('hf', user, branch === 'main' ? repo : `${repo}@${encodeURIComponent(branch)}`);
}

/** @returns the downloaded files of a repository that the quantisation of the address, or the hub's choice, may mean */
async function candidates(address: HubAddress, folder: string): Promise<string[]> {
  const root = join(folder, repoFolder(address));
  const files = (await modelsBelow(root)).filter(
    (file) => !/mmproj/i.test(file) && partsOf(file)[0] === file,
  );
  const named = (quant: string) => {
    const word = new RegExp(`(^|[^a-z0-9])${quant.replaceAll('.', '\\.')}([^a-z0-9_]|$)`, 'i');
    return files.filter((file) => word.test(file.replace(PART, '')) || word.test(file));
  };
  const usual = named(USUAL_QUANT);
  const matching = address.quant ? named(address.quant) : usual.length > 0 ? usual : files;
  return matching.map((file) => join(root, file));
}

/** @returns the model files in a folder and below it, relative to it, sorted */
export async function modelsBelow(folder: string): Promise<string[]> {
  if (!existsSync(folder)) return [];
  const files = await readdir(folder, { recursive: true });
  return files.filter((file) => /\.gguf$/i.test(file) && !file.startsWith(PARTIAL)).sort();
}

/** @returns the error for a model that is not in the folder while the network is forbidden */
export function notDownloaded(address: Address, folder: string): ModelFileError {
  const text = addressText(address);
  return new ModelFileError(
    `${text} is not in ${folder}, and \`offline\` forbids the network; run mtad pull ${text} first`,
  );
}
