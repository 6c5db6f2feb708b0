import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { expect, it } from 'vitest';
import { CLEAN, type Ended, oneAfterAnother } from '../support/cli.js';

const NETWORK_LOG = fileURLToPath(new URL('../support/network-log.cjs', import.meta.url));

it('the lock file has a hash for each package', async () => {
  const { packages } = JSON.parse(await readFile('package-lock.json', 'utf8'));
  const { '': own, ...others } = packages as Record<string, { integrity?: string; dependencies?: object }>;
  const without = Object.entries(others).filter(([, { integrity }]) => !/^sha512-/.test(integrity ?? ''));
  expect(without.map(([name]) => name)).toEqual([]);
  const { dependencies } = JSON.parse(await readFile('package.json', 'utf8'));
  expect(own!.dependencies).toEqual(dependencies); // npm ci compares the rest
});

/** Node's command in a network of its own that leads nowhere, where the system lets us make one. */
async function cutOff(): Promise<readonly string[]> {
  const { exitCode, stderr } = await execa('unshare', ['--net', 'true'], { reject: false });
  if (exitCode === 0) return ['unshare', '--net', process.execPath];
  process.stderr.write(`The network is not cut off, only watched: ${stderr || 'unshare is missing'}\n`);
  return [process.execPath];
}

it('no command uses the network unasked, and all work without one', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'mtad-supply-'));
  const log = join(folder, 'network.log');
  await writeFile(log, '');
  const [command, ...start] = await cutOff();
  const commands = [
    ['Once', '-n', '2'],
    ['inspect'],
    ['config'],
    ['pairs'],
    ['list'],
    ['pull', '-q', 'http://127.0.0.1:2/a.gguf'], // asks for it: what shows that the log is one
  ];
  try {
    const { stdout } = await execa(
      command!,
      [...start, '--require', NETWORK_LOG, ...oneAfterAnother(...commands)],
      {
        stdin: 'ignore',
        env: { ...CLEAN, MTAD_NETWORK_LOG: log, XDG_CACHE_HOME: folder } as NodeJS.ProcessEnv,
      },
    );
    const ends = JSON.parse(stdout) as Ended[];
    expect(ends.map(({ exitCode }) => exitCode)).toEqual([...commands.slice(1).map(() => 0), 3]);
    const lines = (await readFile(log, 'utf8')).split('\n');
    expect(new Set(lines.map((line) => line.split(':')[0]))).toEqual(new Set(['pull', '']));
  } finally {
    await rm(folder, { recursive: true });
  }
});
