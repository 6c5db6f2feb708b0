import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { EMBEDDED_PAIR } from '../../src/models/resolve.js';
import type { Profile } from '../../src/tuning/profile.js';
import { ownProfile, writeProfile } from '../../src/tuning/profile-file.js';
import { profilesFolder } from '../../src/user-folders.js';
import { fakeProfile } from '../support/fake-profile.js';
import { runInProcess } from '../support/run-in-process.js';

let folder: string;
let env: Record<string, string | undefined>;
let own: string;
let profile: Profile;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mtad-profiles-'));
  env = { XDG_CONFIG_HOME: join(folder, 'config'), MTAD_DRAFT_LENGTH: undefined };
  own = ownProfile(profilesFolder(env), EMBEDDED_PAIR.model, EMBEDDED_PAIR.draft);
  profile = await fakeProfile();
});
afterAll(() => rm(folder, { recursive: true }));
beforeEach(() => writeProfile(own, profile));

async function configOf(args: readonly string[] = [], more: typeof env = {}) {
  const { stdout, stderr } = await runInProcess(['config', ...args, '--json'], { env: { ...env, ...more } });
  const { settings } = JSON.parse(stdout);
  return {
    of: (...names: string[]) => names.map((name) => [settings[name].value, settings[name].source]),
    stderr,
  };
}

describe('the profile of a pair', () => {
  const SETTINGS = ['strategy', 'beam_width', 'draft_length', 'threshold'];

  test('says what nobody else has said, and mtad config says so', async () => {
    const source = `profile ${own}`;
    const { of, stderr } = await configOf();
    expect(of(...SETTINGS, 'top_k')).toEqual([
      ['mtad', source],
      [2, source],
      ['auto', source],
      [0.3, source],
      [10, 'default'],
    ]);
    expect(stderr).toBe('');
    const config = join(folder, 'config.toml');
    await writeFile(config, 'beam-width = 3\n');
    const env = { MTAD_CONFIG: config, MTAD_DRAFT_LENGTH: '5' };
    const overruled = await configOf(['--strategy', 'mtad'], env);
    expect(overruled.of(...SETTINGS)).toEqual([
      ['mtad', 'flag'],
      [3, config],
      [5, 'MTAD_DRAFT_LENGTH'],
      [0.3, source],
    ]);
    const other = await configOf(['--strategy', 'mmtad'], env); // of which the profile knows nothing
    expect(other.of('strategy', 'threshold')).toEqual([
      ['mmtad', 'flag'],
      [0.5, 'default'],
    ]);
  });

  test('does not recommend plain decoding to somebody who says how to draft', async () => {
    const { tuned } = profile;
    await writeProfile(own, { ...profile, tuned: { ...tuned!, settings: { strategy: 'autoregressive' } } });
    expect((await configOf()).of('strategy')).toEqual([['autoregressive', `profile ${own}`]]);
    const { of } = await configOf(['--draft-length', '4']);
    expect(of('strategy', 'draft_length')).toEqual([
      ['mtad', 'default'],
      [4, 'flag'],
    ]);
  });

  test('places the models, and fewer processors than it says are no mistake', async () => {
    const { tuned } = profile;
    const placement = { threads: 1, draftThreads: 4096, draftGpuLayers: 0 };
    await writeProfile(own, { ...profile, tuned: { ...tuned!, placement } });
    const { of } = await configOf(['--gpu-layers', '0']);
    expect(of('gpu_layers', 'threads', 'draft_gpu_layers')).toEqual([
      [0, 'flag'],
      [1, `profile ${own}`],
      [0, `profile ${own}`],
    ]);
    expect((await runInProcess(['One day', '-n', '2', '-v'], { env })).stderr).toContain(
      `mtad: profile ${own}: threads 1, draft-threads 4096, draft-gpu-layers 0, strategy mtad, beam-width 2, `,
    );
    expect(await runInProcess(['One day', '-n', '4'], { env })).toMatchObject({
      exitCode: 0,
      stderr: expect.stringContaining('--draft-threads 4096 is more than this machine has processors'),
    });
  });

  test('holds for the benchmark too', async () => {
    const { of } = await configOf(['benchmark']);
    expect(of('beam_width', 'threshold')).toEqual(
      [
        [[2], `profile ${own}`],
        [[0.3], `profile ${own}`],
      ].map(([value, source]) => [value, source]),
    );
  });

  test('adds its draft length to those that a benchmark compares anyway', async () => {
    expect((await configOf(['benchmark'])).of('draft_length')).toEqual([[['auto', 4], `profile ${own}`]]);
    const { tuned } = profile;
    await writeProfile(own, {
      ...profile,
      tuned: { ...tuned!, settings: { ...tuned!.settings, draftLength: 6 } },
    });
    expect((await configOf(['benchmark'])).of('draft_length')).toEqual([[['auto', 4, 6], `profile ${own}`]]);
    expect((await configOf(['benchmark', '-k', '2'])).of('draft_length')).toEqual([[[2], 'flag']]);
  });

  test('says no threshold beside a quality', async () => {
    expect((await configOf(['--quality', '0.9'])).of('threshold')).toEqual([[0.5, 'default']]);
  });

  test.each([
    ['--no-profile', ['--no-profile']],
    ['other models', ['-m', EMBEDDED_PAIR.model, '-d', EMBEDDED_PAIR.model]],
    ['a lookup', ['-m', EMBEDDED_PAIR.model, '-d', 'lookup']],
    ['a known pair', ['--pair', 'llama-3.1-8b']],
  ])('says nothing with %s', async (_, args) => {
    const { of, stderr } = await configOf(args);
    expect(of('threshold')).toEqual([[0.5, 'default']]);
    expect(stderr).toBe('');
  });

  test.each([
    [
      'models that have changed since',
      (): unknown => ({ ...profile.pair, draft: { ...profile.pair!.draft, modified: 5 } }),
    ],
    ['a file that cannot be read', (): unknown => 'stories'],
  ])('is passed over in a line with %s', async (_, pair) => {
    await writeProfile(own, { ...profile, pair: pair() as Profile['pair'] });
    const { of, stderr } = await configOf();
    expect(of('threshold')).toEqual([[0.5, 'default']]);
    expect(stderr).toMatch(
      /^mtad: the profile .*\.json is not used: .* \(mtad tune --save makes a new one\)\n$/,
    );
    expect((await configOf(['--quiet'])).stderr).toBe('');
  });

  test('may be named, also one of other models, which is said', async () => {
    const path = join(folder, 'named.json');
    const target = { path: '/a/big.gguf', bytes: 5, modified: 5 };
    await writeProfile(path, { ...profile, pair: { ...profile.pair!, target } });
    const { of, stderr } = await configOf(['--profile', path]);
    expect(of('threshold')).toEqual([[0.3, `profile ${path}`]]);
    expect(stderr).toBe(
      `mtad: the profile ${path} is of other models (big.gguf, stories-draft-f16.gguf): what it recommends may not suit these\n`,
    );
    await writeFile(path, '{}');
    expect(await runInProcess(['config', '--profile', path], { env })).toMatchObject({
      exitCode: 2,
      stderr: `mtad: ${path} is no profile of a pair: give --profile a file that mtad wrote, or a new name\n`,
    });
  });
});

describe('a text', () => {
  const write = async (...args: string[]) => {
    const { stdout, stderr } = await runInProcess(
      ['Once upon a time', '--seed', '3', '-n', '60', '--json', ...args],
      {
        env: { ...env, XDG_CACHE_HOME: join(folder, 'cache') },
      },
    );
    expect(stderr).toMatch(/^(mtad: (the text was cut|the target holds the first guesses).*\n)*$/); // the profile is made up
    return JSON.parse(stdout);
  };

  test('is the same with the same profile, and says which', async () => {
    const path = join(folder, 'copy.json');
    await writeProfile(path, profile);
    const [one, same] = [await write('--profile', path), await write('--profile', path)];
    expect(same.tokens).toEqual(one.tokens);
    expect(one.params).toMatchObject({ profile: path, threshold: 0.3, beam_width: 2 });
    expect(one.pass_costs.target).toEqual({ 1: 10, 17: 12 });
    expect(one.drift).toMatchObject({ fall: null });
    const other = await write('--profile', path, '--beam-width', '3');
    expect(other.drift).toBeNull();
  });

  test('goes by its own profile, and by the costs of the day', async () => {
    const { params, pass_costs } = await write();
    expect(params).toMatchObject({ profile: own, threshold: 0.3 });
    expect(pass_costs.target).not.toEqual({ 1: 10, 17: 12 });
    expect((await write('--no-profile')).params).toMatchObject({ profile: null, threshold: 0.5 });
  });

  test('may make a profile of costs, by which the next is the same', async () => {
    const path = join(dirname(own), 'new.json');
    const [one, same] = [await write('--profile', path), await write('--profile', path)];
    expect(same.tokens).toEqual(one.tokens);
    expect([one.pass_costs.measured_ms, same.pass_costs.measured_ms]).toEqual([expect.any(Number), null]);
  });
});
