import {
  copyFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { arch, platform, tmpdir } from 'node:os';
import { delimiter, dirname, join, relative } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { chatPair } from '../support/chat-models.js';
import { runInProcess } from '../support/run-in-process.js';
import { inFull, tries } from '../support/tries.js';

const PROMPT = ['Once upon a time', '--seed', '1', '-n', '8', '--draft-length', '4'];

const DEVELOPERS_TOOLS = ['tsx', 'vitest', 'typescript', 'execa'];

/** A person's shell: nothing of npm's that runs these tests, nothing of this repository's. */
const ENV = Object.fromEntries(
  Object.entries(process.env)
    .filter(([name]) => !/^(npm_|node_|mtad_|vitest|init_cwd)/i.test(name))
    .map(([name, value]) => [name, name === 'PATH' ? withoutLocalTools(value!) : value]),
);

function withoutLocalTools(path: string): string {
  return path
    .split(delimiter)
    .filter((folder) => !folder.includes('node_modules'))
    .join(delimiter);
}

/** llama.cpp for the processor alone, and what calls its C API: what docs/gpu.md names for those who want no more. */
function cpuPackages({ 'node-llama-cpp': llama, koffi }: Record<string, string>): string[] {
  const system = platform() === 'darwin' ? 'mac' : platform() === 'win32' ? 'win' : 'linux';
  const build = system === 'mac' && arch() === 'arm64' ? 'arm64-metal' : arch();
  const koffiMajor = koffi!.replace(/^\^(\d+).*/, '$1');
  return [
    `@node-llama-cpp/${system}-${build}@${llama}`,
    `@koromix/koffi-${platform()}-${arch()}@${koffiMajor}`,
  ];
}

/** Has npm find the packages in the registry, as a person's `npm install` does. */
async function installByNpm(folder: string, tarball: string, packages: readonly string[]): Promise<void> {
  const install = ['install', '--ignore-scripts', '--omit=optional', tarball, ...packages];
  await execa('npm', [...install, '--prefer-offline', '--no-audit', '--no-fund'], {
    cwd: folder,
    env: ENV,
    extendEnv: false,
    stdin: 'ignore',
  });
}

/** Returns the paths of the packages that everybody needs, by the lock file: those of developers and optional ones are left out. */
async function neededPackages(): Promise<string[]> {
  const { packages } = JSON.parse(await readFile('package-lock.json', 'utf8')) as {
    packages: Record<string, { dev?: true; optional?: true; devOptional?: true; peer?: true }>;
  };
  return Object.entries(packages)
    .filter(([, { dev, optional, devOptional, peer }]) => !(dev || optional || devOptional || peer))
    .map(([path]) => path);
}

/**
 * Makes the folder that npm would make, of what is installed here: the packages that everybody needs, those that are asked for,
 * and the package itself. Copies, so that nothing that is written there changes what is installed here.
 */
async function installFromHere(folder: string, tarball: string, packages: readonly string[]): Promise<void> {
  const asked = packages.map((name) => `node_modules/${name.replace(/@[^@]*$/, '')}`);
  const outermost = [...(await neededPackages()), ...asked].filter((path) =>
    /^node_modules\/(@[^/]+\/)?[^/]+$/.test(path),
  );
  for (const place of new Set(outermost.map(dirname))) {
    const to = join(folder, place);
    const paths = outermost.filter((path) => dirname(path) === place);
    await mkdir(to, { recursive: true });
    await execa('cp', ['-R', ...paths, to]);
  }
  const modules = join(folder, 'node_modules');
  await execa('tar', ['-xzf', join(folder, tarball), '-C', modules]);
  await rename(join(modules, 'package'), join(modules, 'mtad'));
  await mkdir(join(modules, '.bin'));
  const { bin } = JSON.parse(await readFile(join(modules, 'mtad/package.json'), 'utf8'));
  await symlink(join('../mtad', bin.mtad), join(modules, '.bin/mtad'));
}

describe('the package', () => {
  let folder: string;
  let packed: string[];
  let packages: string[];
  const inFolder = (command: string, ...args: string[]) =>
    execa(command, args, {
      cwd: folder,
      env: ENV,
      extendEnv: false,
      stdin: 'ignore',
      stripFinalNewline: false,
    });

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mtad-install-'));
    const pack = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder];
    const { stdout } = await execa('npm', pack, { env: ENV, extendEnv: false });
    const [{ filename, files }] = JSON.parse(stdout) as [{ filename: string; files: { path: string }[] }];
    packed = files.map(({ path }) => path);
    packages = cpuPackages(JSON.parse(await readFile('package.json', 'utf8')).dependencies);
    await writeFile(join(folder, 'package.json'), '{}');
    await tries(installFromHere, installByNpm)(folder, `./${filename}`, packages);
  }, 300_000);
  afterAll(() => rm(folder, { recursive: true, force: true }));

  it('holds the program, its data and the words about it, and nothing else', async () => {
    const sources = (await readdir('src', { recursive: true })).filter((file) => file.endsWith('.ts'));
    const built = sources
      .map((file) => file.replaceAll('\\', '/').slice(0, -'.ts'.length))
      .flatMap((file) => [
        `src/${file}.ts`,
        ...['.js', '.d.ts', '.d.ts.map'].map((end) => `dist/${file}${end}`),
      ]);
    const { stdout: data } = await execa('git', ['ls-files', 'gguf', 'examples', ':(glob)docs/*.md']);
    const words = ['CHANGELOG.md', 'LICENSE', 'README.md', 'package.json'];
    // A file of dist without a source is left from an older build: remove dist and build again.
    expect(packed.toSorted()).toEqual([...built, ...data.split('\n'), ...words, 'bin/mtad.js'].toSorted());
  });

  it('writes in an empty folder what it writes here, on the engine that is the faster one', async () => {
    const { stdout } = await inFolder('npx', '--no-install', 'mtad', ...PROMPT, '--json');
    const { text, engine, completion_tokens } = JSON.parse(stdout);
    expect({ engine, completion_tokens }).toEqual({ engine: 'direct', completion_tokens: 8 });
    expect(text).toBe((await runInProcess([...PROMPT, '--no-stream'])).stdout);
    expect(text.length).toBeGreaterThan(10);
  });

  it('needs none of the builds of llama.cpp, and no tool of developers', async () => {
    const needed = await neededPackages();
    expect(needed).toContain('node_modules/node-llama-cpp');
    expect(needed.filter((path) => path.includes('@node-llama-cpp/'))).toEqual([]);
    for (const name of DEVELOPERS_TOOLS) expect(needed).not.toContain(`node_modules/${name}`);
  });

  // Each day the test above reads in the lock file what npm leaves out here.
  inFull('brings no build for a GPU and no tool of developers where it is asked not to', async () => {
    const llama = await readdir(join(folder, 'node_modules/@node-llama-cpp'));
    expect(llama.map((name) => `@node-llama-cpp/${name}`)).toEqual([packages[0]!.replace(/@[^@]*$/, '')]);
    const { devDependencies } = JSON.parse(await readFile('package.json', 'utf8'));
    const installed = await readdir(join(folder, 'node_modules'));
    for (const name of DEVELOPERS_TOOLS) {
      expect(devDependencies).toHaveProperty(name);
      expect(installed).not.toContain(name);
    }
  });

  it('is a library: the example runs, on the pair that comes along and in conversation', async () => {
    await copyFile('examples/library.mjs', join(folder, 'library.mjs'));
    const story = await inFolder('node', 'library.mjs');
    expect(story.stdout).toMatch(/^[^[]{20,}\n\[(length|eos), \d\.\d tokens per pass\]\n$/);
    const { model, draft } = await chatPair(folder);
    const chat = await inFolder('node', 'library.mjs', model, draft);
    expect(chat.stdout.match(/tokens per pass/g)).toHaveLength(3);
  });

  it('has types that a strict program can be checked with', async () => {
    // node-llama-cpp's own declarations have errors, and some of ours import them.
    await copyFile('examples/library.mjs', join(folder, 'library.mjs'));
    const tsc = relative(folder, 'node_modules/typescript/bin/tsc');
    const options = [
      '--noEmit',
      '--allowJs',
      '--checkJs',
      '--strict',
      '--skipLibCheck',
      '--module',
      'nodenext',
      '--target',
      'es2023',
    ];
    const types = ['--types', 'node', '--typeRoots', join(process.cwd(), 'node_modules/@types')];
    const { stdout } = await inFolder('node', tsc, ...options, ...types, 'library.mjs');
    expect(stdout).toBe('');
  });
});

describe('what is written about it', () => {
  it('shows the example as it is', async () => {
    const [, shown] = /```js\n(.*?)```/s.exec(await readFile('docs/library.md', 'utf8')) ?? [];
    expect(shown).toBe(await readFile('examples/library.mjs', 'utf8'));
  });

  it('fits on a page: the README has at most 1,500 words, and the pages that it names are there', async () => {
    const readme = await readFile('README.md', 'utf8');
    expect(readme.split(/\s+/).length).toBeLessThanOrEqual(1500);
    for (const [, page] of readme.matchAll(/\]\((docs\/[\w./-]*)\)/g))
      await expect(readFile(page!)).resolves.toBeDefined();
  });

  it('names the packages that are enough for the processor, in the versions that are asked for', async () => {
    const { dependencies } = JSON.parse(await readFile('package.json', 'utf8'));
    const named =
      (await readFile('docs/gpu.md', 'utf8')).match(/@(?:node-llama-cpp|koromix)\/[\w-]+@[\w.]+/g) ?? [];
    expect(named).toContain(`@node-llama-cpp/linux-x64@${dependencies['node-llama-cpp']}`);
    expect(named).toContain(`@koromix/koffi-linux-x64@${dependencies.koffi.slice(1).split('.')[0]}`);
  });
});
