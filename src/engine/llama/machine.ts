import { freemem, totalmem } from 'node:os';
import type { Llama } from 'node-llama-cpp';
import { createDirectEngine } from '../direct/engine.js';
import { DirectUnavailable } from '../direct/library.js';
import { openProcessorBuild } from '../direct/processor-build.js';
import { openBindings } from '../open.js';
import type { Engine, Gpu } from '../port.js';

/** The memory of this machine in bytes: all of it, and the free part. */
export interface MachineMemory {
  readonly ram: { readonly total: number; readonly free: number };
  /** Memory of all GPUs together. The part `unified` is RAM that a GPU shares. */
  readonly vram: { readonly total: number; readonly free: number; readonly unified: number };
  /** Names of the GPUs. */
  readonly gpus: readonly string[];
}

/** The engine and the device that would run a model on this machine. */
export interface Machine {
  readonly engine: Engine['name'];
  /** The reason why the direct engine cannot run; undefined: it can. */
  readonly notDirect: string | undefined;
  /** The reason why CUDA is not used although it is there; undefined: there is none. */
  readonly notCuda: string | undefined;
  readonly backend: string;
  readonly versions: Engine['versions'];
  readonly memory: MachineMemory;
}

/** @throws UsageError when no build of llama.cpp for the wanted device runs on this machine */
export async function inspectMachine(gpu: Gpu): Promise<Machine> {
  let notDirect: string | undefined;
  const engine = await createDirectEngine({ gpu }).catch((cause) => {
    if (!(cause instanceof DirectUnavailable)) throw cause;
    notDirect = cause.message;
    return openBindings({ gpu });
  });
  try {
    const { name, backend, versions } = engine;
    const { whyNotCuda } = await import('./shared-llama.js');
    const notCuda = await whyNotCuda(gpu);
    return { engine: name, notDirect, notCuda, backend, versions, memory: await machineMemory(gpu) };
  } finally {
    await engine.dispose();
  }
}

/** @throws UsageError when no build of llama.cpp for the wanted device runs on this machine */
export async function machineMemory(gpu: Gpu): Promise<MachineMemory> {
  const ram = { total: totalmem(), free: freemem() };
  const llama = await gpuLlama(gpu);
  if (!llama) return { ram, vram: { total: 0, free: 0, unified: 0 }, gpus: [] };
  const { total, free, unifiedSize } = await llama.getVramState();
  return { ram, vram: { total, free, unified: unifiedSize }, gpus: await llama.getGpuDeviceNames() };
}

/** @returns node-llama-cpp, where a GPU computes */
async function gpuLlama(gpu: Gpu): Promise<Llama | undefined> {
  if (await openProcessorBuild(gpu, false)) return undefined;
  const { backendOf, sharedLlama } = await import('./shared-llama.js');
  const llama = await sharedLlama(gpu);
  return (await backendOf(llama)) === 'cpu' ? undefined : llama;
}

/** @returns bytes of RAM and VRAM together */
export function capacityOf({ ram, vram }: MachineMemory): number {
  return ram.total + vram.total - vram.unified;
}
