import { existsSync } from 'node:fs';
import { ResourceError, UsageError } from '../../errors.js';
import type { RpcOptions } from '../port.js';
import { Losses } from '../rpc-losses.js';
import { type NativeFunction, onOtherThread, type Pointer } from './declare.js';
import type { Library } from './library.js';
import { greet } from './rpc-hello.js';

type Koffi = typeof import('koffi')['default'];

/** Devices on other machines. */
export interface RpcDevices {
  /** For `devices` of llama_model_params. */
  readonly devices: Pointer;
  /** For its `tensor_buft_overrides`: what stays here, in the memory of the processor. */
  readonly overrides: Pointer;
  /** Calls that wait for a machine that is gone never end. */
  readonly losses: Losses;
}

/** The vocabulary's tensors: the rows of logits need not travel, and neither does what a token is. */
const KEPT_HERE = ['^token_embd\\.', '^output'];

/** What must not be moved or freed while llama.cpp may read it. */
const held: ArrayBuffer[] = [];

/** SIGABRT, on Linux and macOS. */
const ABORT = 6;

/**
 * Opens devices on servers of llama.cpp's RPC backend. llama.cpp ends the process where one of them is
 * gone; here the thread that would do so sleeps forever instead, and `losses` tell.
 * @param paths of the libraries that llama.cpp runs on
 * @throws UsageError, ResourceError
 */
export async function openRpc(
  { servers, library }: RpcOptions,
  paths: readonly string[],
  { addressOf }: Pick<Library, 'addressOf'>,
): Promise<RpcDevices> {
  if (process.platform === 'win32') throw new UsageError('`rpc` does not run on Windows');
  if (library === undefined || !existsSync(library))
    throw new UsageError(
      `\`rpc\` needs llama.cpp's client library: name libggml-rpc.so with \`rpcLibrary\`; npm run build:rpc makes it${
        library === undefined ? '' : `, and ${library} is not there`
      }`,
    );
  const greeted = await greet(servers);
  const { default: koffi } = await import('koffi');
  const handles = paths.map((path) => koffi.load(path));
  const bound = (prototype: string) => {
    for (const handle of handles)
      try {
        return handle.func(prototype);
      } catch {} // the next library may have it
    throw new UsageError(`\`rpc\` does not work with this build of llama.cpp: it has no ${prototype}`);
  };
  const losses = lossesOf(koffi, bound);
  const reg: Pointer | null = bound('void *ggml_backend_load(const char *path)')(library);
  if (reg === null)
    throw new UsageError(`${library} (\`rpcLibrary\`) is no library of this release of llama.cpp`);
  const procAddress = bound('void *ggml_backend_reg_get_proc_address(void *reg, const char *name)');
  const address: Pointer | null = procAddress(reg, 'ggml_backend_rpc_add_server');
  if (address === null) throw new UsageError(`${library} (\`rpcLibrary\`) has no RPC backend`);
  const addServer = koffi.decode(address, koffi.proto('void *(const char *endpoint)'));
  const count = bound('size_t ggml_backend_reg_dev_count(void *reg)');
  const device = bound('void *ggml_backend_reg_dev_get(void *reg, size_t index)');
  const devices: Pointer[] = [];
  for (const [i, server] of greeted.entries()) {
    const registry = await losses.during(() => onOtherThread<[string], Pointer | null>(addServer)(server));
    if (registry === null) throw new ResourceError(`The machine at ${servers[i]} (\`rpc\`) offers no device`);
    for (let n = 0; n < Number(count(registry)); n++) devices.push(device(registry, n));
  }
  const cpu = bound('void *ggml_backend_dev_by_type(int type)')(0);
  const memory: Pointer = bound('void *ggml_backend_dev_buffer_type(void *device)')(cpu);
  const pointers = (values: readonly Pointer[]): Pointer => {
    const { buffer } = new BigUint64Array([...values, 0n, 0n]); // empty entries end both lists
    held.push(buffer);
    return addressOf(buffer);
  };
  const text = (words: string): Pointer => {
    const buffer = new TextEncoder().encode(`${words}\0`).buffer as ArrayBuffer;
    held.push(buffer);
    return addressOf(buffer);
  };
  return {
    devices: pointers(devices),
    overrides: pointers(KEPT_HERE.flatMap((pattern) => [text(pattern), memory])),
    losses,
  };
}

/** Those of all targets: llama.cpp does not say which machine is gone. */
const all = new Set<Losses>();

/** Has llama.cpp tell of a machine that is gone, in place of ending the process. It has one such callback in a process. */
function lossesOf(koffi: Koffi, bound: (prototype: string) => NativeFunction): Losses {
  if (all.size === 0) tellAll(koffi, bound);
  const losses = new Losses();
  all.add(losses);
  return losses;
}

function tellAll(koffi: Koffi, bound: (prototype: string) => NativeFunction): void {
  const c = koffi.load(null);
  const signal = c.func('void *signal(int number, void *handler)');
  const write = c.func('long write(int file, const char *text, size_t bytes)');
  const leave = c.func('void _exit(int code)');
  const pause: Pointer = c.func('void *dlsym(void *handle, const char *name)')(null, 'pause');
  const onAbort = (message: string) => {
    if (!message.includes('ggml-rpc')) return void write(2, `${message}\n`, Buffer.byteLength(message) + 1);
    signal(ABORT, pause); // the thread that calls abort() next sleeps forever
    process.once('exit', (code) => leave(code)); // Node would wait for that thread
    for (const one of all)
      one.tell(new ResourceError('A machine of `rpc` is gone: its rpc-server ended, or the network failed'));
  };
  const type = koffi.pointer(koffi.proto('void (const char *message)'));
  bound('void *ggml_set_abort_callback(void *callback)')(koffi.register(onAbort, type));
}

/** The library for a model with layers on other machines: calls end where one is lost, and nothing is freed then. */
export function withLosses(library: Library, losses: Losses): Library {
  const orLost =
    <Args extends unknown[], Result>(call: (...args: Args) => Promise<Result>) =>
    (...args: Args): Promise<Result> =>
      losses.during(() => call(...args));
  const unlessLost = (free: (address: Pointer) => Promise<void>) => (address: Pointer) =>
    losses.during(() => free(address)).catch(() => {});
  return {
    ...library,
    modelLoad: orLost(library.modelLoad),
    modelFree: unlessLost(library.modelFree),
    contextInit: orLost(library.contextInit),
    contextFree: unlessLost(library.contextFree),
    decode: orLost(library.decode),
    synchronize: orLost(library.synchronize),
  };
}
