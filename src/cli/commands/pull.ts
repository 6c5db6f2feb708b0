import { stat } from 'node:fs/promises';
import { UsageError } from '../../errors.js';
import { type Address, addressText, parseAddress } from '../../models/address.js';
import { type DownloadedModel, type DownloadOptions, download } from '../../models/download.js';
import { knownPair } from '../../models/known-pairs.js';
import { findDownloaded, modelsFolder, notDownloaded, partsOf } from '../../models/models-folder.js';
import { attended } from '../attended.js';
import { EXIT } from '../failures.js';
import { downloadReports } from '../render/downloads.js';
import { Sink } from '../render/sink.js';

/** What Commander makes of the options. Undefined = not given. */
export interface PullFlags {
  pair?: string | undefined;
  modelsDir?: string;
  offline?: boolean;
  json?: boolean;
  quiet?: boolean;
  verbose?: boolean;
}

/** `mtad pull`: models from a hub into the models folder, their paths out. @returns the exit code */
export async function runPull(names: readonly string[], flags: PullFlags): Promise<number> {
  const pair = flags.pair === undefined ? undefined : await knownPair(flags.pair);
  const wanted = [...names, ...(pair ? [pair.target.address, pair.draft.address] : [])].map(addressOf);
  return attended(flags, async (interrupts, progress) => {
    const stdout = new Sink(undefined, () => {}); // a reader that leaves does not end a download
    const options: DownloadOptions = {
      modelsDir: flags.modelsDir,
      verify: true,
      signal: interrupts.signal,
      log: flags.verbose ? (line) => process.stderr.write(`${line}\n`) : undefined,
      ...downloadReports(flags, progress),
    };
    const pulling = flags.offline ? downloadedModels(wanted, options) : download(wanted, options);
    const models: DownloadedModel[] = [];
    try {
      for await (const model of pulling) {
        models.push(model);
        if (!model.downloaded) options.onNotice?.(`${model.address} is already there`);
        if (!flags.json) await stdout.write(`${model.path}\n`);
      }
    } finally {
      if (flags.json) await stdout.write(`${JSON.stringify(models, undefined, 2)}\n`); // what is there after a failure, too
    }
    if (pair) for (const note of await notesOn(models.slice(-2))) options.onNotice?.(`warning: ${note}`);
    stdout.check();
    return EXIT.ok;
  });
}

function addressOf(name: string): Address {
  const address = parseAddress(name);
  if (!address)
    throw new UsageError(
      `${JSON.stringify(name)} is no address; write hf:user/repo:Q4_K_M, hf:user/repo/file.gguf or https://…/file.gguf`,
    );
  return address;
}

/** @throws ModelFileError for the first that is not there */
async function* downloadedModels(
  addresses: readonly Address[],
  { modelsDir }: DownloadOptions,
): AsyncGenerator<DownloadedModel> {
  const folder = modelsFolder(modelsDir);
  for (const address of addresses) {
    const path = await findDownloaded(address, folder);
    if (!path) throw notDownloaded(address, folder);
    const sizes = await Promise.all(partsOf(path).map(async (part) => (await stat(part)).size));
    const bytes = sizes.reduce((sum, size) => sum + size, 0);
    yield { address: addressText(address), path, bytes, sha256: null, checked: false, downloaded: false };
  }
}

/** @returns what is to be said of a pair
 * @throws PairMismatchError, and ModelFileError for what is no model, though the table of pairs says so */
async function notesOn([target, draft]: readonly DownloadedModel[]): Promise<readonly string[]> {
  const { findPair } = await import('../../models/pair.js'); // half a second, so not before it is needed
  return (await findPair({ model: target!.path, draft: draft!.path })).notes;
}
