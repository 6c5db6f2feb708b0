import { reserveStack } from '../../koffi-stack.js';

/**
 * The CUDA version and the GPUs that node-llama-cpp's CUDA build for Linux was made for. For other GPUs the driver compiles
 * the code. A driver older than this CUDA version refuses that, and llama.cpp ends the process in the first pass.
 */
export const CUDA_BUILD = {
  version: 13_010, // 1000 x major + 10 x minor, as CUDA counts
  machineCode: [86, 89, 120, 121], // 10 x major + minor of the compute capability
};

/** Libraries by their names: the driver's own, and what the build needs beside it; without that a build of CUDA 12 runs. */
const LIBRARIES = { driver: 'libcuda.so.1', runtime: 'libcudart.so.13' };

/** CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR and _MINOR */
const CAPABILITY = { major: 75, minor: 76 };

/**
 * @returns the reason why the CUDA build would end the process on this machine; undefined: it would not, or that is unknown.
 * https://docs.nvidia.com/deploy/cuda-compatibility
 */
export async function cudaObstacle({ driver, runtime } = LIBRARIES): Promise<string | undefined> {
  if (process.platform !== 'linux') return undefined;
  const found = await askDriver(driver, runtime);
  if (found === undefined || found.version >= CUDA_BUILD.version) return undefined;
  const device = found.devices.find(({ capability }) => !CUDA_BUILD.machineCode.includes(capability));
  if (device === undefined) return undefined;
  return (
    `the NVIDIA driver knows CUDA ${versionText(found.version)}, and llama.cpp's build for CUDA needs ` +
    `${versionText(CUDA_BUILD.version)} on ${device.name}`
  );
}

function versionText(version: number): string {
  return `${Math.floor(version / 1000)}.${(version % 1000) / 10}`;
}

/** @returns the version of the driver, and its GPUs; undefined where it cannot be asked: llama.cpp will report that itself */
async function askDriver(driver: string, runtime: string) {
  try {
    const { default: koffi } = await import('koffi');
    reserveStack(koffi); // for the direct engine, which comes later, and will say so where it cannot be had
    koffi.load(runtime);
    const library = koffi.load(driver);
    const call = (name: string, types: string[], ...args: unknown[]) => {
      if (library.func(name, 'int', types)(...args) !== 0) throw new Error(`${name} failed`);
    };
    const number = (name: string, ...args: number[]): number => {
      const answer = new Int32Array(1);
      call(name, ['void *', ...args.map(() => 'int')], answer, ...args);
      return answer[0]!;
    };
    call('cuInit', ['uint32_t'], 0);
    const devices = Array.from({ length: number('cuDeviceGetCount') }, (_, device) => {
      const name = Buffer.alloc(256);
      call('cuDeviceGetName', ['void *', 'int', 'int'], name, name.length, device);
      const { major, minor } = CAPABILITY;
      const capability =
        10 * number('cuDeviceGetAttribute', major, device) + number('cuDeviceGetAttribute', minor, device);
      return { name: name.toString().replace(/\0.*$/s, ''), capability };
    });
    return { version: number('cuDriverGetVersion'), devices };
  } catch {
    return undefined;
  }
}
