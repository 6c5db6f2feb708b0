import type { GgufFileInfo } from 'node-llama-cpp';
import { ModelFileError } from '../../errors.js';
import type { EngineName, Gpu } from '../port.js';
import type { CacheType } from '../runtime-options.js';
import { contextMemory, type MemoryNeed, statesMemory } from './memory-need.js';
import { refuseWithoutRollback, statesKept } from './states-kept.js';

/** Facts about a model file that llama.cpp finds in its header. */
export interface ModelInsights {
  readonly parameters: number;
  /** Number format of most weights, such as F16. */
  readonly mostOf: string | undefined;
  readonly recurrent: boolean;
  readonly hybrid: boolean;
  /** In tokens. */
  readonly slidingWindow: number | undefined;
  /** @throws ModelFileError for an architecture that this llama.cpp does not know, or that the engine cannot roll back */
  refuse(engine: EngineName): void;
  memory(options: MemoryOptions): Promise<ModelMemory>;
}

/** The context to reckon the memory of. */
export interface MemoryOptions {
  /** Tokens of all sequences together. */
  readonly cells: number;
  readonly sequences: number;
  /** The most tokens that a sequence is to take back at once. */
  readonly rollback: number;
  /** The last layers that it is for; undefined: all. */
  readonly layers?: number | undefined;
  readonly cacheType: CacheType | undefined;
}

/** node-llama-cpp's estimate in bytes, with as many layers on the GPU as it would put there. */
export interface ModelMemory {
  readonly gpuLayers: number;
  readonly weights: MemoryNeed;
  /** KV cache, states and compute buffers. */
  readonly context: MemoryNeed;
  /** The states of recurrent layers, which are part of it; undefined: there are none. */
  readonly states: StateNeed | undefined;
}

export interface StateNeed extends MemoryNeed {
  /** Of all sequences. */
  readonly count: number;
  /** The most tokens of a pass that are taken back without evaluating anything again. */
  readonly rollback: number;
}

/**
 * @throws UsageError when no build of llama.cpp for the wanted device runs on this machine
 * @throws ModelFileError for weights in a format that this llama.cpp does not know
 */
export async function insightsOf(info: GgufFileInfo, source: string, gpu: Gpu): Promise<ModelInsights> {
  const { GgmlType, GgufInsights } = await import('node-llama-cpp');
  const { backendOf, sharedLlama } = await import('./shared-llama.js');
  const llama = await sharedLlama(gpu);
  const insights = await GgufInsights.from(info, llama).catch((cause) => {
    throw new ModelFileError(
      `Cannot tell how long the weights of ${source} are (${(cause as Error).message}); download it again, or update mtad if it is newer`,
      { cause },
    );
  });
  return {
    parameters: insights.totalParameters,
    mostOf: insights.dominantTensorType === undefined ? undefined : GgmlType[insights.dominantTensorType],
    recurrent: insights.isRecurrent,
    hybrid: insights.isHybrid,
    slidingWindow: insights.swaSize,
    refuse(engine) {
      if (!insights.isSupportedByLlamaCpp)
        throw new ModelFileError(
          `${source} is a ${info.metadata.general.architecture} model, which llama.cpp ${llama.llamaCppRelease.release} does not know`,
        );
      if (engine === 'bindings') refuseWithoutRollback(insights, source);
    },
    async memory({ cells, sequences, rollback, layers, cacheType }) {
      const gpuLayers =
        (await backendOf(llama)) !== 'cpu'
          ? (await insights.configurationResolver.resolveModelGpuLayersV2('auto')).gpuLayers
          : 0;
      const { cpuRam, gpuVram } = insights.estimateModelResourceRequirements({ gpuLayers });
      const isRecurrent = insights.isRecurrent || insights.isHybrid;
      const kept = statesKept(info.metadata.general.architecture, rollback);
      const count = isRecurrent ? sequences * (1 + kept) : 0;
      const size = { cells, gpuLayers, layers, cacheType };
      const context = contextMemory(insights, { ...size, states: count });
      const states = isRecurrent
        ? { count, rollback: kept, ...statesMemory(insights, count, gpuLayers) }
        : undefined;
      return { gpuLayers, weights: { ram: cpuRam, vram: gpuVram }, context, states };
    },
  };
}
