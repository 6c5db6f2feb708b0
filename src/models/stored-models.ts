import { lstat, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { ModelFileError, UsageError } from '../errors.js';
import { type Address, parseAddress } from './address.js';
import { quantizationOf } from './facts.js';
import { readGgufFile } from './gguf-file.js';
import { hasHead, headLayersOf } from './heads.js';
import { type KnownPair, knownPairs } from './known-pairs.js';
import { findDownloaded, modelsBelow, partsOf } from './models-folder.js';
import { EMBEDDED_PAIR } from './resolve.js';

/** A model in the models folder. */
export interface StoredModel {
  /** Of its file, or of the first of its parts, relative to the folder. */
  readonly name: string;
  /** All files, the first part first. */
  readonly paths: readonly string[];
  /** Of all of them. */
  readonly bytes: number;
  /** When its file was last read or written, as far as the file system tells. */
  readonly usedAt: Date;
}

/** A model with the facts of its header. */
export interface ListedModel extends StoredModel {
  readonly architecture: string | undefined;
  readonly quantization: string | undefined;
  /** Why its header cannot be read; undefined: it can. */
  readonly problem: string | undefined;
  /** Whether it needs no draft model, since it has a drafting head that can be used. */
  readonly hasHead: boolean;
  /** The known pairs that it belongs to. */
  readonly pairs: readonly string[];
}

/** @returns the models in the folder, by their names */
async function storedModels(folder: string): Promise<StoredModel[]> {
  const files = (await modelsBelow(folder)).filter((file) => partsOf(file)[0] === file);
  return Promise.all(files.map((file) => storedModel(file, folder)));
}

async function storedModel(name: string, folder: string): Promise<StoredModel> {
  const parts = partsOf(name).map((part) => join(folder, part));
  const facts = await Promise.all(parts.map(factsOf));
  const there = facts.filter((one) => one !== undefined);
  return {
    name,
    paths: parts.filter((_, i) => facts[i] !== undefined),
    bytes: there.reduce((sum, one) => sum + (one.isFile() ? one.size : 0), 0),
    usedAt: new Date(Math.max(0, ...there.flatMap(({ atimeMs, mtimeMs }) => [atimeMs, mtimeMs]))),
  };
}

/** Of a link that leads nowhere its own, so that it can be seen and removed. */
function factsOf(path: string) {
  return stat(path).catch(() => lstat(path).catch(() => undefined));
}

/** @returns the same with what their headers say */
export async function listedModels(folder: string): Promise<ListedModel[]> {
  const models = await storedModels(folder); // before the headers are read, which counts as use
  const pairs = await pairsByPath(await knownPairs(), folder);
  return Promise.all(
    models.map(async (model) => ({
      ...model,
      ...(await headerOf(model)),
      pairs: pairs.get(model.paths[0]!) ?? [],
    })),
  );
}

/** @returns the models that need no draft model: those of mtad's own and of the folder */
export async function modelsThatDraft(folder: string): Promise<ListedModel[]> {
  const all = await Promise.all([dirname(EMBEDDED_PAIR.model), folder].map(listedModels));
  return all.flat().filter((model) => model.hasHead);
}

async function headerOf({ paths }: StoredModel) {
  try {
    const file = await readGgufFile(paths[0]!);
    const { architecture } = file.metadata;
    const head = { path: paths[0]!, architecture, headLayers: headLayersOf(file) };
    const quantization = await quantizationOf(file.metadata);
    return { architecture, quantization, hasHead: hasHead(head), problem: undefined };
  } catch (error) {
    if (!(error instanceof ModelFileError)) throw error;
    return { architecture: undefined, quantization: undefined, hasHead: false, problem: error.message };
  }
}

async function pairsByPath(pairs: readonly KnownPair[], folder: string): Promise<Map<string, string[]>> {
  const found = new Map<string, string[]>();
  for (const { name, target, draft } of pairs)
    for (const { address } of [target, draft]) {
      const path = await findDownloaded(parseAddress(address)!, folder);
      if (path !== undefined) found.set(path, [...(found.get(path) ?? []), name]);
    }
  return found;
}

/**
 * @param name as `model` takes it: a file's name, its path in the folder, or an address
 * @throws UsageError where no model or several of the folder are meant; no other file ever is
 */
export async function storedModelNamed(name: string, folder: string): Promise<StoredModel> {
  const models = await storedModels(folder);
  const address = addressIn(name);
  const downloaded = address && (await findDownloaded(address, folder));
  const meant = models.filter(
    (model) =>
      (downloaded !== undefined && model.paths[0] === downloaded) ||
      model.name === name ||
      basename(model.name) === name,
  );
  if (meant.length === 1) return meant[0]!;
  if (meant.length > 1)
    throw new UsageError(
      `${meant.length} models are named ${name}: give one of ${meant.map((model) => model.name).join(', ')}`,
    );
  throw new UsageError(`There is no model ${JSON.stringify(name)} in ${folder} (mtad list shows them)`);
}

function addressIn(name: string): Address | undefined {
  try {
    return parseAddress(name);
  } catch {
    return undefined;
  }
}
