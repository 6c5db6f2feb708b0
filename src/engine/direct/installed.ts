import type { EngineOptions } from '../port.js';
import type { Installed } from './library.js';
import { openProcessorBuild } from './processor-build.js';

/**
 * Opens llama.cpp's library: straight from its package where it is clear that the processor computes, else through
 * node-llama-cpp, which looks for GPUs, and tries the library in a process of its own. Without that, `mtad` starts in half the
 * time.
 * @throws UsageError when no build of llama.cpp for the wanted device runs on this machine; DirectUnavailable
 */
export async function openInstalled({ gpu, log }: EngineOptions): Promise<Installed> {
  const logsAll = log !== undefined;
  const straight = await openProcessorBuild(gpu, logsAll);
  if (straight) return straight;
  const { openByNodeLlamaCpp } = await import('./by-node-llama-cpp.js');
  return openByNodeLlamaCpp(gpu, logsAll);
}
