import {
  getLlama,
  getLlamaGpuTypes,
  type Llama,
  type LlamaGpuType,
  LlamaLogLevel,
  NoBinaryFoundError,
} from 'node-llama-cpp';
import { UsageError } from '../../errors.js';
import type { Gpu } from '../port.js';
import { tellLog } from './complaints.js';
import { cudaObstacle } from './cuda-driver.js';

const shared = new Map<Gpu, Promise<Llama>>();

/**
 * @returns the one instance of a device, which lives as long as the process. A second instance would lose its logger, since
 *   node-llama-cpp 3.21.1 releases the first logger late, and llama.cpp would write to standard output
 * @throws UsageError when no build of llama.cpp for the wanted device runs on this machine
 */
export async function sharedLlama(gpu: Gpu): Promise<Llama> {
  const device = await resolveDevice(gpu);
  const known = shared.get(device);
  if (known) return known;
  const created = createLlama(device, shared.size > 0);
  shared.set(device, created);
  created.catch(() => shared.delete(device));
  return created;
}

/** Has llama.cpp's log lines told from the level of information on. */
export function logAll(llama: Llama): void {
  llama.logLevel = LlamaLogLevel.info;
}

/** @returns the device that llama.cpp computes on; 'cpu' also for a GPU build on a machine without a GPU */
export async function backendOf(llama: Llama): Promise<string> {
  return llama.gpu && (await llama.getGpuDeviceNames()).length > 0 ? llama.gpu : 'cpu';
}

/** @throws UsageError for a device that was asked for by name and has no GPU */
async function refuseWithoutGpu(gpu: Gpu, llama: Llama): Promise<Llama> {
  if (gpu === 'auto' || gpu === 'off' || (await backendOf(llama)) !== 'cpu') return llama;
  throw new UsageError(`llama.cpp finds no GPU for ${gpu} on this machine; use \`gpu\` auto or off`);
}

async function resolveDevice(gpu: Gpu): Promise<Gpu> {
  if (gpu === 'off') return gpu;
  return deviceFor(gpu, await supportedDevices(), await whyNotCuda(gpu));
}

/** @returns the reason why CUDA is not used where it would be chosen; undefined: there is none */
export async function whyNotCuda(gpu: Gpu): Promise<string | undefined> {
  if (gpu !== 'auto' && gpu !== 'cuda') return undefined;
  return (await supportedDevices()).includes('cuda') ? obstacleOfCuda() : undefined;
}

/** Facts that stay the same while the process lives, and take a search for libraries or a question to a driver. */
const supportedDevices = once(() => getLlamaGpuTypes('supported'));
const obstacleOfCuda = once(() => cudaObstacle());

function once<T>(find: () => Promise<T>): () => Promise<T> {
  let found: Promise<T> | undefined;
  return () => {
    found ??= find();
    return found;
  };
}

/**
 * @returns the device to use; 'off' where 'auto' has no other choice, so that 'auto' and 'off' share an instance
 * @param supported the devices that this machine has libraries for, by node-llama-cpp
 * @throws UsageError for a device that is asked for by name and is not there
 */
export function deviceFor(
  gpu: Exclude<Gpu, 'off'>,
  supported: readonly (Gpu | false)[],
  noCuda: string | undefined, // why
): Gpu {
  if (gpu === 'auto')
    return supported.some((device) => device !== false && !(device === 'cuda' && noCuda)) ? 'auto' : 'off';
  if (!supported.includes(gpu))
    throw new UsageError(`No llama.cpp build for ${gpu} runs on this machine; use \`gpu\` auto or off`);
  if (gpu === 'cuda' && noCuda)
    throw new UsageError(
      `CUDA does not work here: ${noCuda}; update the driver, or use \`gpu\` vulkan or off`,
    );
  return gpu;
}

async function createLlama(gpu: Gpu, isSecond: boolean): Promise<Llama> {
  const exclude: LlamaGpuType[] = (await whyNotCuda(gpu)) ? ['cuda'] : [];
  try {
    const llama = await getLlama({
      gpu: gpu === 'off' ? false : gpu === 'auto' ? { type: 'auto', exclude } : gpu,
      build: 'never',
      skipDownload: true,
      progressLogs: false,
      maxThreads: 0, // as many as a context asks for
      logLevel: isSecond ? LlamaLogLevel.disabled : LlamaLogLevel.warn,
      logger: (level, text) => tellLog(level === LlamaLogLevel.error || level === LlamaLogLevel.fatal, text),
    });
    return await refuseWithoutGpu(gpu, llama);
  } catch (cause) {
    if (!(cause instanceof NoBinaryFoundError)) throw cause;
    throw new UsageError(
      `No prebuilt llama.cpp of node-llama-cpp runs on this machine (${process.platform} ${process.arch}, GPU ${gpu}); ` +
        'if it was installed without optional packages, add the one for this machine, which docs/gpu.md names',
      { cause },
    );
  }
}
