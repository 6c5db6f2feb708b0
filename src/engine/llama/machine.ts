import { freemem, totalmem } from 'node:os';
import { createBindingsEngine } from '../bindings/engine.js';
import { createDirectEngine } from '../direct/engine.js';
import { DirectUnavailable } from '../direct/library.js';
import type { Engine, Gpu } from '../port.js';
import { backendOf, sharedLlama, whyNotCuda } from './shared-llama.js';

/** Bytes that this machine has, and has left. */
export interface MachineMemory {
  readonly ram: { readonly total: number; readonly free: number };
  /** Of all GPUs together; `unified` of it is the RAM above under another name. */
  readonly vram: { readonly total: number; readonly free: number; readonly unified: number };
  /** Names. */
  readonly gpus: readonly string[];
}

/** What models would run with. */
export interface Machine {
  readonly engine: Engine['name'];
  /** Why the direct engine does not run here. */
  readonly notDirect: string | undefined;
  /** Why CUDA is passed over. */
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
    return createBindingsEngine({ gpu });
  });
  try {
    const { name, backend, versions } = engine;
    const notCuda = await whyNotCuda(gpu);
    return { engine: name, notDirect, notCuda, backend, versions, memory: await machineMemory(gpu) };
  } finally {
    await engine.dispose();
  }
}

/** @throws UsageError when no build of llama.cpp for the wanted device runs on this machine */
export async function machineMemory(gpu: Gpu): Promise<MachineMemory> {
  const llama = await sharedLlama(gpu);
  const ram = { total: totalmem(), free: freemem() };
  if ((await backendOf(llama)) === 'cpu') return { ram, vram: { total: 0, free: 0, unified: 0 }, gpus: [] };
  const { total, free, unifiedSize } = await llama.getVramState();
  return { ram, vram: { total, free, unified: unifiedSize }, gpus: await llama.getGpuDeviceNames() };
}

/** Bytes that models can take in all, wherever they lie. */
export function capacityOf({ ram, vram }: MachineMemory): number {
  return ram.total + vram.total - vram.unified;
}
