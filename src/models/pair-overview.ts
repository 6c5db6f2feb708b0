import { capacityOf, machineMemory } from '../engine/llama/machine.js';
import { UsageError } from '../errors.js';
import { parseAddress } from './address.js';
import type { KnownPair } from './known-pairs.js';
import { findDownloaded, modelsFolder } from './models-folder.js';

/** A known pair, and whether this machine has it and can run it. */
export interface PairOverview {
  readonly pair: KnownPair;
  /** Size of both files, approximately. */
  readonly downloadBytes: number;
  /** The context size that `memoryBytes` is for, in tokens: at most the context length of the target's training. */
  readonly contextSize: number;
  /** Weights and KV caches of both models, approximately. Beams share their common prefix. */
  readonly memoryBytes: number;
  /** Whether RAM and VRAM together suffice; undefined where no build of llama.cpp runs. */
  readonly fits: boolean | undefined;
  /** Path of the target model; undefined: it is not downloaded. */
  readonly targetFile: string | undefined;
  readonly draftFile: string | undefined;
}

/** @param wanted context size in tokens */
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

/** @returns bytes of RAM and VRAM; undefined where no build of llama.cpp runs: only llama.cpp knows the GPUs */
async function knownCapacity(): Promise<number | undefined> {
  try {
    return capacityOf(await machineMemory('auto'));
  } catch (error) {
    if (error instanceof UsageError) return undefined;
    throw error;
  }
}
