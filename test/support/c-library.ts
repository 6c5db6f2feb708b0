import { execFile, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

/** Why no library can be made up here, or undefined. */
export const NO_COMPILER =
  process.platform === 'win32' || spawnSync('cc', ['--version']).status !== 0
    ? 'no C compiler (cc) on this machine'
    : undefined;

/** Compiles a C file of this folder with numbers for its macros. @returns the path of the library, in `dir` */
export async function compileLibrary(
  dir: string,
  source: string,
  answers: Readonly<Record<string, number>>,
): Promise<string> {
  const path = join(dir, `${source}-${Object.values(answers).join('-')}.so`);
  const macros = Object.entries(answers).map(([name, value]) => `-D${name}=${value}`);
  const file = fileURLToPath(new URL(source, import.meta.url));
  await promisify(execFile)('cc', ['-shared', '-fPIC', ...macros, '-o', path, file]);
  return path;
}
