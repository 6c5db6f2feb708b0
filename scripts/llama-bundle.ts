/** The source of llama.cpp that node-llama-cpp brings along, in a git bundle. Needs git. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

export const LLAMA = join(dirname(fileURLToPath(import.meta.resolve('node-llama-cpp'))), '../llama');
const run = promisify(execFile);

/** Calls `use` with a temporary folder that holds the files matching `pathspecs`, and deletes it afterwards. */
export async function withBundledFiles<T>(
  pathspecs: readonly string[],
  use: (folder: string) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'mtad-llama-'));
  try {
    const git = (...args: string[]) => run('git', ['-C', folder, ...args]);
    await git('init', '--quiet');
    await git('fetch', '--quiet', join(LLAMA, 'gitRelease.bundle'), 'HEAD');
    await git('checkout', '--quiet', 'FETCH_HEAD', '--', ...pathspecs);
    return await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
