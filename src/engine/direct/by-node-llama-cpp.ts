import { basename, dirname } from 'node:path';
import { getModuleVersion, type Llama } from 'node-llama-cpp';
import { backendOf, logAll, sharedLlama } from '../llama/shared-llama.js';
import type { Gpu } from '../port.js';
import { bindLibrary, DirectUnavailable, type Installed } from './library.js';

/** @throws UsageError when no build of llama.cpp for the wanted device runs on this machine; DirectUnavailable */
export async function openByNodeLlamaCpp(gpu: Gpu, logsAll: boolean): Promise<Installed> {
  const llama = await sharedLlama(gpu);
  if (logsAll) logAll(llama);
  const { release } = llama.llamaCppRelease;
  return {
    library: await bindLibrary(() => loadedLibraries(llama), release),
    backend: await backendOf(llama),
    versions: { node_llama_cpp: await getModuleVersion(), llama_cpp: release },
    heard: (call) => call(),
    mathCores: () => llama.cpuMathCores,
    llama: async () => llama,
  };
}

/** @returns the path of libllama, and the paths of the libraries that it was loaded with */
function loadedLibraries(llama: Llama): string[] {
  Object.assign(process.report, { excludeNetwork: true }); // it would look up the name of every peer
  const report = process.report.getReport() as unknown as {
    header: { glibcVersionRuntime?: string };
    sharedObjects: string[];
  };
  if (process.platform === 'linux' && !report.header.glibcVersionRuntime)
    throw new DirectUnavailable('it needs the GNU C library, and this system has another one');
  const all = report.sharedObjects.filter((path) =>
    /^(lib)?(llama|ggml)[-.].*(so|dylib|dll)/.test(basename(path)),
  );
  const gpu = llama.gpu || undefined;
  const main = all.filter((path) => /^(lib)?llama\./.test(basename(path)));
  const ofDevice = main.filter((path) => /\.(cuda|vulkan)\./.exec(basename(path))?.[1] === gpu);
  const [chosen, ...others] = main.length > 1 ? ofDevice : main;
  if (!chosen || others.length > 0)
    throw new DirectUnavailable(
      `it cannot tell which of ${main.length} loaded libraries of llama.cpp to use`,
    );
  return [chosen, ...all.filter((path) => path !== chosen && dirname(path) === dirname(chosen))];
}
