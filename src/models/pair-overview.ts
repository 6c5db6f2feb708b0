import { capacityOf, machineMemory } from '../engine/machine.js';
import { UsageError } from '../errors.js';
import { parseAddress } from './address.js';
import type { KnownModel, KnownPair } from './known-pairs.js';
import { findDownloaded, modelsFolder } from './models-folder.js';

/** A known pair on this machine. */
export interface PairOverview {
  readonly pair: KnownPair;
  readonly downloadBytes: number; // of both files, about
  readonly memoryBytes: number; // weights and KV caches of both, about
  readonly fits: boolean | undefined; // into RAM and VRAM as a whole; undefined where no build of llama.cpp runs
  readonly targetFile: string | undefined; // path, once it is downloaded
  readonly draftFile: string | undefined;
}

/** @param contextSize tokens that the memory is reckoned for */
export async function overviewOf(
  pairs: readonly KnownPair[],
  { modelsDir, contextSize }: { modelsDir: string | undefined; contextSize: number },
): Promise<PairOverview[]> {
  const folder = modelsFolder(modelsDir);
  const capacity = await knownCapacity();
  return Promise.all(
    pairs.map(async (pair) => {
      const memoryBytes = [pair.target, pair.draft]
        .map((model) => model.approximateBytes + cacheBytes(model, contextSize))
        .reduce((a, b) => a + b);
      return {
        pair,
        downloadBytes: pair.target.approximateBytes + pair.draft.approximateBytes,
        memoryBytes,
        fits: capacity === undefined ? undefined : memoryBytes <= capacity,
        targetFile: await findDownloaded(parseAddress(pair.target.address)!, folder),
        draftFile: await findDownloaded(parseAddress(pair.draft.address)!, folder),
      };
    }),
  );
}

/** @returns bytes; undefined where no build of llama.cpp runs, which alone knows of GPUs */
async function knownCapacity(): Promise<number | undefined> {
  try {
    return capacityOf(await machineMemory('auto'));
  } catch (error) {
    if (error instanceof UsageError) return undefined;
    throw error;
  }
}

/** Beams share what they have in common, so a draft model's cache is hardly larger than one text. */
function cacheBytes({ cacheBytesPerToken }: KnownModel, contextSize: number): number {
  return cacheBytesPerToken * contextSize;
}
