import { capacityOf, machineMemory } from '../engine/llama/machine.js';
import { UsageError } from '../errors.js';
import { parseAddress } from './address.js';
import type { KnownPair } from './known-pairs.js';
import { findDownloaded, modelsFolder } from './models-folder.js';

/** A known pair on this machine. */
export interface PairOverview {
  readonly pair: KnownPair;
  /** Of both files, about. */
  readonly downloadBytes: number;
  /** Tokens that the memory is reckoned for: no more than the target was trained on. */
  readonly contextSize: number;
  /** Weights and KV caches of both, about: beams share what they have in common. */
  readonly memoryBytes: number;
  /** Into RAM and VRAM as a whole; undefined where no build of llama.cpp runs. */
  readonly fits: boolean | undefined;
  /** Path, once it is downloaded. */
  readonly targetFile: string | undefined;
  readonly draftFile: string | undefined;
}

/** @param wanted tokens of context */
export async function overviewOf(
  pairs: readonly KnownPair[],
  { modelsDir, contextSize: wanted }: { modelsDir: string | undefined; contextSize: number },
): Promise<PairOverview[]> {
  const folder = modelsFolder(modelsDir);
  const capacity = await knownCapacity();
  return Promise.all(
    pairs.map(async (pair) => {
      const contextSize = Math.min(wanted, pair.target.contextSize);
      const memoryBytes = [pair.target, pair.draft]
        .map((model) => model.approximateBytes + model.cacheBytesPerToken * contextSize)
        .reduce((a, b) => a + b);
      return {
        pair,
        downloadBytes: pair.target.approximateBytes + pair.draft.approximateBytes,
        contextSize,
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
