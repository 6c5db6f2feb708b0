import { stat } from 'node:fs/promises';
import { Command } from 'commander';
import { UsageError } from '../../errors.js';
import { type Address, addressText, parseAddress } from '../../models/address.js';
import type { DownloadedModel, DownloadOptions } from '../../models/download.js';
import { knownPair } from '../../models/known-pairs.js';
import { findDownloaded, modelsFolder, notDownloaded, partsOf } from '../../models/models-folder.js';
import { EXIT } from '../failures.js';
import type { Io } from '../io.js';
import { modelsDirOption } from '../model-options.js';
import { answerErrors } from '../program-options.js';
import { downloadReports } from '../render/downloads.js';
import { Sink } from '../render/sink.js';

/** What Commander makes of the options. Undefined = not given. */
interface PullFlags {
  pair?: string | undefined;
  modelsDir?: string;
  offline?: boolean;
  json?: boolean;
  quiet?: boolean;
  verbose?: boolean;
}

const EXAMPLES = `
Addresses:
  hf:user/repo:Q4_K_M               the file of a quantisation; without one, the hub's choice
  hf:user/repo/file.gguf#branch     one file, from a branch (default: main)
  https://host/path/file.gguf       from anywhere
Of a model in parts (file-00001-of-00003.gguf) any part means all.

Examples:
  mtad pull hf:bartowski/Qwen2.5-7B-Instruct-GGUF:Q4_K_M hf:bartowski/Qwen2.5-0.5B-Instruct-GGUF:Q4_K_M
  mtad pull --pair llama-3.1-8b
  mtad -m $(mtad pull -q hf:bartowski/SmolLM2-135M-Instruct-GGUF:Q8_0) --draft lookup "The sea"

A download that ends early continues when the same command runs again. HF_TOKEN opens gated and private models,
HF_ENDPOINT names another hub, HTTPS_PROXY and NO_PROXY are heeded.`;

export function createPull(io: Io): Command {
  const program = new Command('mtad pull')
    .usage('[options] <address...>')
    .description('Download models, check them, and print where they are.')
    .argument('[addresses...]')
    .action(async (addresses: string[], flags: PullFlags, command: Command) => {
      if (addresses.length === 0 && flags.pair === undefined)
        throw new UsageError(
          'What to download? Give an address such as hf:user/repo:Q4_K_M, or --pair <name>',
        );
      const isAsked = addresses.length === 0 || command.getOptionValueSource('pair') === 'cli'; // not only a setting
      io.exitCode = await runPull(io, addresses, { ...flags, pair: isAsked ? flags.pair : undefined });
    })
    .option('--pair <name>', 'target and draft model of a known pair (mtad pairs lists them)')
    .addOption(modelsDirOption(io))
    .option('--offline', 'never use the network: only say what is there')
    .option('--json', 'a JSON array: address, path, bytes, sha256, checked, downloaded')
    .option('-q, --quiet', 'no progress, no notices')
    .option('-v, --verbose', 'what the downloader says, and errors in full')
    .addHelpText('after', EXAMPLES);
  return answerErrors(program, io, '(mtad pull --help lists the options)');
}

/** `mtad pull`: models from a hub into the models folder, their paths out. @returns the exit code */
async function runPull(io: Io, names: readonly string[], flags: PullFlags): Promise<number> {
  const { attended } = await import('../attended.js');
  const { download } = await import('../../models/download.js');
  const pair = flags.pair === undefined ? undefined : await knownPair(flags.pair);
  const wanted = [...names, ...(pair ? [pair.target.address, pair.draft.address] : [])].map(addressOf);
  return attended(io, flags, async (interrupts, progress) => {
    const stdout = new Sink(io.stdout); // a reader that leaves does not end a download
    const options: DownloadOptions = {
      modelsDir: flags.modelsDir,
      verify: true,
      signal: interrupts.signal,
      log: flags.verbose ? (line) => io.log(line) : undefined,
      ...downloadReports(io, flags, progress),
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
