import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { reserveStack } from '../../koffi-stack.js';
import { tellListeners } from '../llama/log.js';
import type { Gpu } from '../port.js';
import { bindLibrary, type Installed } from './library.js';

type Koffi = typeof import('koffi')['default'];

/** node-llama-cpp's packages with a build for the processor alone, by Node's platform and architecture. */
const PACKAGES: ReadonlyMap<string, string> = new Map([
  ['linux x64', 'linux-x64'],
  ['linux arm64', 'linux-arm64'],
]);

/** What a build for GPUs loads first: without any of them none runs. */
const GPU_LOADERS = ['libvulkan.so.1', 'libcuda.so.1'];

/** The files in /dev of a GPU that can compute: of the kernel's drivers, NVIDIA's, and Windows' below Linux. */
const GPU_DEVICES = /^(renderD\d+|nvidia\d+|nvidiactl|kfd|dxg)$/;

let opened: Promise<Installed | undefined> | undefined;

/**
 * Opens the build of llama.cpp for the processor, where no GPU is wanted or there is none.
 * @returns undefined where node-llama-cpp must choose a build: on another system, or where one was compiled here, or for a GPU
 * @throws DirectUnavailable when it is another release than the one that this engine knows
 */
export async function openProcessorBuild(gpu: Gpu, logsAll: boolean): Promise<Installed | undefined> {
  const name = PACKAGES.get(`${process.platform} ${process.arch}`);
  if (name === undefined || (gpu !== 'off' && gpu !== 'auto')) return undefined;
  const koffi = await import('koffi').then((module) => module.default).catch(() => undefined);
  if (koffi === undefined || !reserveStack(koffi) || (gpu === 'auto' && mayHaveGpu(koffi))) return undefined;
  const build = findBuild(name);
  if (build === undefined || !loads(koffi, build.main)) return undefined;
  opened ??= open(koffi, build);
  if (logsAll) lowest = LEVELS.info;
  return opened;
}

function mayHaveGpu(koffi: Koffi): boolean {
  const files = ['/dev', '/dev/dri'].flatMap((folder) => (existsSync(folder) ? readdirSync(folder) : []));
  const isThere = files.some((file) => GPU_DEVICES.test(file)) || process.env.GGML_VK_VISIBLE_DEVICES; // a GPU of software
  return isThere ? GPU_LOADERS.some((loader) => loads(koffi, loader)) : false;
}

function loads(koffi: Koffi, path: string): boolean {
  try {
    koffi.load(path);
    return true;
  } catch {
    return false;
  }
}

/** A build of llama.cpp in a package of node-llama-cpp. */
interface Build {
  readonly folder: string;
  /** The file of libllama. */
  readonly main: string;
  readonly versions: Installed['versions'];
}

function findBuild(name: string): Build | undefined {
  try {
    const whole = createRequire(import.meta.url).resolve('node-llama-cpp');
    const root = join(dirname(whole), '..');
    if (existsSync(join(root, 'llama', 'localBuilds'))) return undefined;
    const part = join(dirname(createRequire(whole).resolve(`@node-llama-cpp/${name}`)), '..');
    const [version, ofPart] = [root, part].map((folder) => versionIn(folder));
    const folder = join(part, 'bins', name);
    const file = readdirSync(folder).find((file) => /^libllama\..*so$/.test(file));
    if (version === undefined || version !== ofPart || file === undefined) return undefined;
    const { buildOptions } = readJson(join(folder, '_nlcBuildMetadata.json')) as BuildMetadata;
    const versions = { node_llama_cpp: version, llama_cpp: buildOptions.llamaCpp.release };
    return { folder, main: join(folder, file), versions };
  } catch {
    return undefined; // node-llama-cpp says what is missing
  }
}

interface BuildMetadata {
  readonly buildOptions: { readonly llamaCpp: { readonly release: string } };
}

function versionIn(folder: string): string | undefined {
  return (readJson(join(folder, 'package.json')) as { version?: string }).version;
}

function readJson(path: string): unknown {
  return JSON.parse(readFileSync(path, 'utf8'));
}

/** common_cpu_get_num_math(), in C++. */
const MATH_CORES = 'int _Z23common_cpu_get_num_mathv()';

async function open(koffi: Koffi, { folder, main, versions }: Build): Promise<Installed> {
  listen(koffi, main);
  const library = await bindLibrary(() => librariesOf(koffi, folder, main), versions.llama_cpp);
  library.native.llama_backend_init!();
  return {
    library,
    backend: 'cpu',
    versions,
    mathCores: () => koffi.load(join(folder, 'libllama-common.so')).func(MATH_CORES)(),
    llama: async () => {
      const { sharedLlama } = await import('../llama/shared-llama.js');
      return sharedLlama('off');
    },
  };
}

/** Has ggml choose its code for this processor. @returns the loaded libraries, libllama first */
function librariesOf(koffi: Koffi, folder: string, main: string): string[] {
  const names = readdirSync(folder).filter((file) => /^libggml[-.].*so$/.test(file));
  const ggml = names.find((file) => /^libggml\./.test(file)) ?? 'libggml.so';
  koffi.load(join(folder, ggml)).func('void ggml_backend_load_all_from_path(const char *folder)')(folder);
  const mapped = readFileSync('/proc/self/maps', 'utf8');
  return [main, ...names.map((file) => join(folder, file)).filter((path) => mapped.includes(path))];
}

/** ggml's levels (enum ggml_log_level). */
const LEVELS = { info: 2, warning: 3, error: 4 };

/** The level from which on lines are told. llama.cpp logs some hundred lines for each model. */
let lowest = LEVELS.warning;

/** Keeps llama.cpp's log from standard error, where it would go. */
function listen(koffi: Koffi, main: string): void {
  const type = koffi.pointer(koffi.proto('void (int level, void *text, void *data)'));
  const hear = (level: number, text: bigint) => {
    if (level >= lowest && level <= LEVELS.error)
      tellListeners(level === LEVELS.error, koffi.decode(text, 'char', -1) as string);
  };
  koffi.load(main).func('void llama_log_set(void *hear, void *data)')(koffi.register(hear, type), null);
}
