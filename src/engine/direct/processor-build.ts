import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import type { LibraryHandle } from 'koffi';
import { reserveStack } from '../../koffi-stack.js';
import type { Gpu } from '../port.js';
import { bindLibrary, type Installed } from './library.js';
import { NativeLog } from './native-log.js';

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

interface Opened {
  readonly installed: Installed;
  readonly log: NativeLog;
}

let opened: Promise<Opened | undefined> | undefined;

/**
 * Opens the build of llama.cpp for the processor, where no GPU is wanted or there is none.
 * @returns undefined where node-llama-cpp must choose a build, or say what is wrong: on another system, where one was compiled
 *   here, for a GPU, or where this one does not open
 */
export async function openProcessorBuild(gpu: Gpu, logsAll: boolean): Promise<Installed | undefined> {
  const name = PACKAGES.get(`${process.platform} ${process.arch}`);
  if (name === undefined || (gpu !== 'off' && gpu !== 'auto')) return undefined;
  const koffi = await import('koffi').then((module) => module.default).catch(() => undefined);
  if (koffi === undefined || !reserveStack(koffi) || (gpu === 'auto' && mayHaveGpu(koffi))) return undefined;
  opened ??= openBuild(koffi, name);
  const { installed, log } = (await opened) ?? {};
  if (logsAll) log?.tellAll();
  return installed;
}

function mayHaveGpu(koffi: Koffi): boolean {
  const isThere = process.env.GGML_VK_VISIBLE_DEVICES || ['/dev', '/dev/dri'].some(holdsGpu); // by the variable, one of software
  return isThere ? GPU_LOADERS.some((loader) => loads(koffi, loader)) : false;
}

/** Where it may not be read, who knows. */
function holdsGpu(folder: string): boolean {
  try {
    return readdirSync(folder).some((file) => GPU_DEVICES.test(file));
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== 'ENOENT';
  }
}

/** Kept: koffi unloads a library that nobody holds. */
const handles = new Map<string, LibraryHandle>();

function held(koffi: Koffi, path: string): LibraryHandle {
  const handle = handles.get(path) ?? koffi.load(path);
  handles.set(path, handle);
  return handle;
}

function loads(koffi: Koffi, path: string): boolean {
  try {
    held(koffi, path);
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
    const folder = realpathSync(join(part, 'bins', name)); // as the process names what it has loaded
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

async function openBuild(koffi: Koffi, name: string): Promise<Opened | undefined> {
  const build = findBuild(name);
  if (build === undefined || !loads(koffi, build.main)) return undefined;
  return open(koffi, build).catch(() => undefined);
}

/** @throws where a part of the build is not as expected */
async function open(koffi: Koffi, { folder, main, versions }: Build): Promise<Opened> {
  const log = new NativeLog(koffi, main);
  const library = await bindLibrary(() => librariesOf(koffi, folder, main), versions.llama_cpp);
  library.native.llama_backend_init!();
  let mathCores: (() => number) | undefined;
  const installed: Installed = {
    library,
    backend: 'cpu',
    versions,
    heard: (call) => log.heard(call),
    mathCores() {
      mathCores ??= held(koffi, join(folder, 'libllama-common.so')).func(MATH_CORES) as () => number;
      return mathCores();
    },
    async llama() {
      const { logAll, sharedLlama } = await import('../llama/shared-llama.js');
      const llama = await sharedLlama('off'); // which takes the log from now on
      if (log.tellsAll) logAll(llama);
      return llama;
    },
  };
  return { installed, log };
}

/** Has ggml choose its code for this processor. @returns the loaded libraries, libllama first */
function librariesOf(koffi: Koffi, folder: string, main: string): string[] {
  const names = readdirSync(folder).filter((file) => /^libggml[-.].*so$/.test(file));
  const ggml = names.find((file) => /^libggml\./.test(file)) ?? 'libggml.so';
  held(koffi, join(folder, ggml)).func('void ggml_backend_load_all_from_path(const char *folder)')(folder);
  const mapped = readFileSync('/proc/self/maps', 'utf8');
  if (mapped.includes('/ld-musl-')) throw new Error('it needs the GNU C library');
  return [main, ...names.map((file) => join(folder, file)).filter((path) => mapped.includes(path))];
}
