/**
 * What a new user waits for: installs the packed project into an empty folder, and times the first token of the pair that
 * comes along and of a pair that a hub on loopback has, at the speed of a good line. Of three rounds, the medians.
 *
 *   npx tsx scripts/first-run.ts
 */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { execa } from 'execa';
import { median } from 'simple-statistics';
import { Hub } from '../test/support/hub.js';

const ROUNDS = 3;
const PROMPT = 'Once upon a time';
const HUB_PAIR = ['-m', 'hf:stories/target:F16', '-d', 'hf:stories/draft:F16'];

/** Nothing of npm's that runs this, and nothing of the user's: settings, models, proxies. */
const ENV = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(npm_|mtad_|hf_|https?_proxy$)/i.test(name)),
);

const seconds = (ms: number) => `${(ms / 1000).toFixed(1)} s`;
const folder = await mkdtemp(join(tmpdir(), 'mtad-first-run-'));
const hub = await Hub.open();
try {
  for (const role of ['target', 'draft'])
    hub.files.set(`stories/${role}/${role}-F16.gguf`, await readFile(`gguf/stories-${role}-f16.gguf`));
  const install: number[] = [];
  const embedded: number[] = [];
  const downloaded: number[] = [];
  const pack = await execa('npm', ['pack', '--json', '--pack-destination', folder], {
    env: ENV,
    extendEnv: false,
  });
  const [{ filename }] = JSON.parse(pack.stdout.slice(pack.stdout.indexOf('['))) as [{ filename: string }];
  for (let round = 0; round < ROUNDS; round++) {
    const home = await mkdtemp(join(folder, 'user-'));
    await writeFile(join(home, 'package.json'), '{}');
    const env = { ...ENV, HF_ENDPOINT: hub.endpoint, MTAD_CONFIG: '', MTAD_MODELS_DIR: join(home, 'models') };
    const run = (command: string, ...args: string[]) =>
      execa(command, args, { cwd: home, env, extendEnv: false, stdin: 'ignore' });
    const started = performance.now();
    await run('npm', 'install', join(folder, filename));
    install.push(performance.now() - started);
    const firstToken = async (...args: string[]) => {
      const began = performance.now();
      const child = run('npx', 'mtad', ...args, PROMPT);
      let first = Number.NaN;
      child.stdout.once('data', () => {
        first = performance.now() - began;
      });
      await child;
      return first;
    };
    embedded.push(await firstToken());
    downloaded.push(await firstToken(...HUB_PAIR));
  }
  const bytes = [...hub.files.values()].reduce((sum, { length }) => sum + length, 0);
  process.stdout.write(
    [
      `1. npm install <tarball>: ${seconds(median(install))}`,
      `2. npx mtad "${PROMPT}": first token after ${seconds(median(embedded))}`,
      `2. npx mtad ${HUB_PAIR.join(' ')} "${PROMPT}": ${(bytes / 1e6).toFixed(1)} MB from the hub, first token after ${seconds(median(downloaded))}`,
      '',
    ].join('\n'),
  );
} finally {
  await hub.close();
  await rm(folder, { recursive: true, force: true });
}
