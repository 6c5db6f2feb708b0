import { capacityOf, machineMemory } from '../engine/machine.js';
import { parseAddress } from './address.js';
import type { KnownModel, KnownPair } from './known-pairs.js';
import { findDownloaded, modelsFolder } from './models-folder.js';

/** A known pair on this machine. */
export interface PairOverview {
  readonly pair: KnownPair;
  readonly downloadBytes: number; // of both files, about
  readonly memoryBytes: number; // weights and KV caches of both, about
  readonly fits: boolean; // into RAM and VRAM as a whole
  readonly targetFile: string | undefined; // path, once it is downloaded
  readonly draftFile: string | undefined;
}

/**
 * @param contextSize tokens that the memory is reckoned for
 * @throws UsageError when no build of llama.cpp runs on this machine
 */
export async function overviewOf(
  pairs: readonly KnownPair[],
  { modelsDir, contextSize }: { modelsDir: string | undefined; contextSize: number },
): Promise<PairOverview[]> {
  const folder = modelsFolder(modelsDir);
  const capacity = capacityOf(await machineMemory('auto'));
  return Promise.all(
    pairs.map(async (pair) => {
      const memoryBytes = [pair.target, pair.draft]
        .map((model) => model.approximateBytes + cacheBytes(model, contextSize))
        .reduce((a, b) => a + b);
      return {
        pair,
        downloadBytes: pair.target.approximateBytes + pair.draft.approximateBytes,
        memoryBytes,
        fits: memoryBytes <= capacity,
        targetFile: await findDownloaded(parseAddress(pair.target.address)!, folder),
        draftFile: await findDownloaded(parseAddress(pair.draft.address)!, folder),
      };
    }),
  );
}

/** Beams share what they have in common, so a draft model's cache is hardly larger than one text. */
function cacheBytes({ cacheBytesPerToken }: KnownModel, contextSize: number): number {
  return cacheBytesPerToken * contextSize;
}
