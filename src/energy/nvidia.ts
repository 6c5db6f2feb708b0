import { reserveStack } from '../koffi-stack.js';
import { NoCounter, type Probe } from './counters.js';

type Koffi = typeof import('koffi')['default'];

/** NVML_ERROR_NO_PERMISSION */
const NO_PERMISSION = 4;

/** NVML_DEVICE_UUID_V2_BUFFER_SIZE */
const UUID_LENGTH = 96;

/**
 * Opens the energy counters of all GPUs that this process may use. They count whole boards, from Volta (2017) on.
 * https://docs.nvidia.com/deploy/nvml-api/group__nvmlDeviceQueries.html
 * @param path usually libnvidia-ml.so.1 or nvml.dll, which come with the driver
 * @param visible the value of CUDA_VISIBLE_DEVICES, where the models run on CUDA: other GPUs do not count
 * @throws NoCounter
 */
export async function openNvidia(path: string, visible?: string): Promise<Probe> {
  const { default: koffi } = await import('koffi');
  reserveStack(koffi); // for the direct engine, which comes later, and will say so where it cannot be had
  const nvml = declare(koffi, path);
  const check = (code: number, what: string) => {
    if (code !== 0) throw new NoCounter(`NVML ${what}: ${nvml.errorString(code)}`);
  };
  check(nvml.init(), 'does not start');
  try {
    const devices = devicesOf(nvml, check, visible);
    const millijoules = new BigUint64Array(1);
    const read = () =>
      devices.map(({ name, handle }) => {
        check(nvml.totalEnergy(handle, millijoules), `does not tell the energy of ${name}`);
        return { name, joules: Number(millijoules[0]) / 1000, range: Number.POSITIVE_INFINITY };
      });
    read(); // it tells whether all of them count
    const source = `NVML ${devices.length} ${devices.length === 1 ? 'GPU' : 'GPUs'}`;
    return { source, read, close: () => void nvml.shutdown() };
  } catch (cause) {
    nvml.shutdown();
    throw cause;
  }
}

type Nvml = ReturnType<typeof declare>;

/** The functions of NVML that are needed here. A handle is a pointer of 64 bits. */
function declare(koffi: Koffi, path: string) {
  const library = load(koffi, path);
  return {
    init: library.func('nvmlInit_v2', 'int', []) as () => number,
    shutdown: library.func('nvmlShutdown', 'int', []) as () => number,
    errorString: library.func('nvmlErrorString', 'str', ['int']) as (code: number) => string,
    count: library.func('nvmlDeviceGetCount_v2', 'int', ['void *']) as (count: Uint32Array) => number,
    handle: library.func('nvmlDeviceGetHandleByIndex_v2', 'int', ['uint32_t', 'void *']) as (
      index: number,
      handle: BigUint64Array,
    ) => number,
    uuid: library.func('nvmlDeviceGetUUID', 'int', ['uint64_t', 'void *', 'uint32_t']) as (
      handle: bigint,
      uuid: Buffer,
      length: number,
    ) => number,
    totalEnergy: library.func('nvmlDeviceGetTotalEnergyConsumption', 'int', ['uint64_t', 'void *']) as (
      handle: bigint,
      millijoules: BigUint64Array,
    ) => number,
  };
}

function load(koffi: Koffi, path: string) {
  if (koffi.sizeof('void *') !== 8) throw new NoCounter('NVML is read on processors of 64 bits alone');
  try {
    return koffi.load(path);
  } catch (cause) {
    throw new NoCounter(`${path} cannot be loaded (no NVIDIA driver?)`, { cause });
  }
}

/** Models cannot run on a GPU that this process is not permitted to talk to. */
function devicesOf(nvml: Nvml, check: (code: number, what: string) => void, visible: string | undefined) {
  const count = new Uint32Array(1);
  check(nvml.count(count), 'does not count its GPUs');
  const devices = Array.from({ length: count[0]! }, (_, index) => {
    const handle = new BigUint64Array(1);
    const code = nvml.handle(index, handle);
    return { index, name: `GPU ${index}`, code, handle: handle[0]! };
  }).filter(({ code }) => code !== NO_PERMISSION);
  for (const { name, code } of devices) check(code, `does not open ${name}`);
  if (devices.length === 0) throw new NoCounter('NVML shows no GPU to this process');
  if (visible === undefined) return devices;
  const named = devices.map((device) => {
    const uuid = Buffer.alloc(UUID_LENGTH);
    check(nvml.uuid(device.handle, uuid, uuid.length), `does not name ${device.name}`);
    return { ...device, uuid: uuid.toString() };
  });
  const used = visibleOf(named, visible);
  if (used.length === 0) throw new NoCounter(`CUDA_VISIBLE_DEVICES=${visible} names no GPU that NVML knows`);
  return used;
}

/**
 * @returns the GPUs that CUDA_VISIBLE_DEVICES names, by index or by the beginning of their UUID, up to the first wrong name.
 *   CUDA counts in the order of the bus if all GPUs are equal, or if CUDA_DEVICE_ORDER says so
 */
function visibleOf<Device extends { index: number; uuid: string }>(
  devices: readonly Device[],
  visible: string,
): Device[] {
  const found = visible
    .split(',')
    .map((name) => name.trim())
    .map((name) =>
      devices.find(
        ({ index, uuid }) => name === String(index) || (name.startsWith('GPU-') && uuid.startsWith(name)),
      ),
    );
  const end = found.indexOf(undefined);
  return found.slice(0, end === -1 ? undefined : end).map((device) => device!);
}
