/**
 * Makes llama.cpp's RPC client library and server, from the source in node-llama-cpp's package and on its own libraries, so that
 * all of them are of one build:
 *   npm run build:rpc [-- --into folder]
 * Needs git and a C++ compiler (CXX, else c++), and takes some half a minute. On another machine, with a GPU, llama.cpp's own build of the
 * same release makes the server: cmake -DGGML_RPC=ON.
 */
import { execFile } from 'node:child_process';
import { mkdir, readdir, symlink } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs, promisify } from 'node:util';
import { runScript } from './arguments.js';
import { LLAMA, withBundledFiles } from './llama-bundle.js';

const run = promisify(execFile);

/** Where they are put unless a folder is named. */
export const RPC_FOLDER = fileURLToPath(new URL('../node_modules/.cache/mtad-rpc', import.meta.url));

export interface RpcFiles {
  readonly library: string;
  readonly server: string;
}

/** @throws RangeError where node-llama-cpp has no libraries for the processor of this machine */
export async function buildRpc(folder: string): Promise<RpcFiles> {
  const name = `${process.platform}-${process.arch}`;
  const libraries = join(dirname(LLAMA), '../@node-llama-cpp', name, 'bins', name);
  const names = await readdir(libraries).catch(() => []);
  const main = names.find((file) => /^libggml\.v.*\.so$/.test(file));
  if (!main) throw new RangeError(`There are no shared libraries of llama.cpp for ${name} in ${libraries}`);
  await mkdir(folder, { recursive: true });
  const files = { library: join(folder, 'libggml-rpc.so'), server: join(folder, 'rpc-server') };
  const compiler = process.env.CXX ?? 'c++';
  await withBundledFiles(['ggml', 'tools/rpc'], async (source) => {
    const at = (path: string) => join(source, path);
    const common = [
      '-std=c++17',
      '-O2',
      '-DNDEBUG',
      '-I',
      at('ggml/include'),
      '-I',
      at('ggml/src'),
      '-L',
      libraries,
    ];
    const linked = ['-l:libggml-base.so', `-Wl,-rpath,${libraries}`, '-Wl,--allow-shlib-undefined'];
    const backend = ['GGML_BACKEND_DL', 'GGML_BACKEND_BUILD', 'GGML_BACKEND_SHARED', 'GGML_SHARED'].map(
      (one) => `-D${one}`,
    );
    const parts = ['ggml-rpc.cpp', 'transport.cpp'].map((file) => at(`ggml/src/ggml-rpc/${file}`));
    await run(compiler, [
      ...common,
      ...backend,
      '-fPIC',
      '-shared',
      ...parts,
      ...linked,
      '-o',
      files.library,
    ]);
    const server = at('tools/rpc/rpc-server.cpp');
    await run(compiler, [...common, server, `-l:${main}`, ...linked, '-o', files.server]);
  });
  for (const file of names.filter((one) => one.startsWith('libggml-cpu'))) // the server looks for them beside itself
    await symlink(join(libraries, file), join(folder, file)).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error;
    });
  return files;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href)
  await runScript(async () => {
    const { values } = parseArgs({ options: { into: { type: 'string', default: RPC_FOLDER } } });
    const { library, server } = await buildRpc(resolve(values.into));
    process.stdout.write(`${library}\n${server}\n`);
  });
