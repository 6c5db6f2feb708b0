import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command, Option } from 'commander';
import { stringify } from 'smol-toml';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { PROGRAMS, SETTABLE, type SettableName } from '../../../src/cli/programs/index.js';
import { takeSettings } from '../../../src/cli/settings/layers.js';
import { isSwitch, settingsOf, variableName } from '../../../src/cli/settings/names.js';
import { type Given, parseGiven } from '../../../src/cli/settings/values.js';
import { STRATEGY_NAMES } from '../../../src/strategies/index.js';

let folder: string;
let file: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mtad-layers-'));
  file = join(folder, 'config.toml');
  for (const name of Object.keys(process.env)) if (name.startsWith('MTAD_')) delete process.env[name];
});
afterEach(() => vi.unstubAllEnvs());
afterAll(() => rm(folder, { recursive: true }));

/** Where a setting may be said, strongest first. */
const LAYERS = ['flag', 'environment', 'table', 'top'] as const;
type LayerName = (typeof LAYERS)[number];

/** The command's program after it has parsed what the layers say of one setting; it runs nothing. */
async function settled(
  command: SettableName,
  said: Partial<Record<LayerName, Record<string, Given>>>,
): Promise<Command> {
  const program = (await PROGRAMS[command]()).action(() => {});
  takeSettings(command, program);
  for (const [name, value] of Object.entries(said.environment ?? {}))
    vi.stubEnv(variableName(name), String(value));
  vi.stubEnv('MTAD_CONFIG', file);
  await writeFile(file, stringify({ ...said.top, [command]: said.table ?? {} }));
  const flags = Object.entries(said.flag ?? {}).map(([name, value]) => {
    if (typeof value === 'boolean') return value ? `--${name}` : `--no-${name}`;
    return `--${name}=${value}`;
  });
  await program.parseAsync(flags, { from: 'user' });
  return program;
}

/** Two values that the option takes. */
function twoValues(name: string, option: Option): [Given, Given] {
  if (isSwitch(option)) return [true, false];
  if (option.argChoices) return [option.argChoices[0]!, option.argChoices[1]!];
  if (name === 'strategy' || name === 'strategies') return [STRATEGY_NAMES[0]!, STRATEGY_NAMES[1]!];
  if (name === 'engine') return ['direct', 'bindings'];
  if (name === 'pair') return ['llama-3.1-8b', 'llama-3.1-8b'];
  if (name.endsWith('threads')) return [1, availableParallelism()];
  return name === 'threshold' || name === 'top-p' ? [0.2, 0.3] : [2, 3];
}

const pairsOfLayers = LAYERS.flatMap((stronger, i) =>
  LAYERS.slice(i + 1).map((weaker) => [stronger, weaker] as const),
);

describe.each(SETTABLE)('%s', async (command) => {
  const options = settingsOf(await PROGRAMS[command]());

  test.each([...options])(
    '--%s: the stronger of any two layers wins, whichever it says',
    async (name, option) => {
      const values = twoValues(name, option);
      for (const [strong, weak] of [values, [...values].reverse()] as [Given, Given][])
        for (const [stronger, weaker] of pairsOfLayers) {
          const program = await settled(command, {
            [stronger]: { [name]: strong },
            [weaker]: { [name]: weak },
          });
          const key = option.attributeName();
          expect(program.opts()[key]).toEqual(parseGiven(option, strong));
          const sources = { flag: 'cli', environment: variableName(name), table: file, top: file };
          expect(program.getOptionValueSource(key)).toBe(sources[stronger]);
          vi.unstubAllEnvs();
        }
    },
  );

  test.each([...options])('--%s: nothing said leaves the default', async (_, option) => {
    const key = option.attributeName();
    expect((await settled(command, {})).opts()[key]).toEqual((await PROGRAMS[command]()).opts()[key]);
  });
});

/** Commands that sample and so have a use for what suits a pair. */
const SAMPLING = SETTABLE.filter((name) => ['generate', 'chat', 'benchmark'].includes(name));

describe.each(SAMPLING)('%s', (command) => {
  test('the settings of a pair are weaker than all that is said, and stronger than the default', async () => {
    for (const by of LAYERS) {
      const program = await settled(command, { [by]: { pair: 'llama-3.1-8b' } });
      expect(program.opts()).toMatchObject({ temperature: 0.6, topP: 0.9, topK: 10 });
      expect(program.getOptionValueSource('temperature')).toBe('pair llama-3.1-8b');
      vi.unstubAllEnvs();
      for (const other of LAYERS) {
        const both = { [by]: { pair: 'llama-3.1-8b' } };
        const said = { ...both, [other]: { ...both[other], temperature: 0.25 } };
        expect((await settled(command, said)).opts().temperature).toBe(0.25);
        vi.unstubAllEnvs();
      }
    }
  });
});

describe('--pair', () => {
  const TARGET = expect.stringMatching(/^hf:.*8B/);
  const DRAFT = expect.stringMatching(/^hf:.*1B/);
  const pair = { pair: 'llama-3.1-8b' };

  test.each(pairsOfLayers)('in %s beats models in %s', async (stronger, weaker) => {
    const program = await settled('generate', {
      [stronger]: pair,
      [weaker]: { model: 'a.gguf', draft: 'b.gguf' },
    });
    expect(program.opts()).toMatchObject({ ...pair, model: TARGET, draft: DRAFT });
  });

  test.each(pairsOfLayers)('a model in %s displaces all of a pair in %s', async (stronger, weaker) => {
    const program = await settled('generate', { [stronger]: { model: 'a.gguf' }, [weaker]: pair });
    const { model, draft, pair: shown, temperature } = program.opts();
    expect({ model, draft, shown, temperature }).toEqual({ model: 'a.gguf', temperature: 1 });
  });

  test.each(pairsOfLayers)('a draft in %s replaces that of a pair in %s alone', async (stronger, weaker) => {
    const program = await settled('generate', { [stronger]: { draft: 'lookup' }, [weaker]: pair });
    expect(program.opts()).toMatchObject({ model: TARGET, draft: 'lookup', temperature: 0.6 });
  });

  test.each(LAYERS)('beside a model or a draft, both in %s, is refused', async (layer) => {
    for (const beside of ['model', 'draft']) {
      const contradiction = settled('generate', { [layer]: { ...pair, [beside]: 'a.gguf' } });
      await expect(contradiction).rejects.toThrow(/pair stands for both models|PAIR stands for both models/);
      vi.unstubAllEnvs();
    }
  });

  test.each(LAYERS)('an unknown name in %s is answered with the nearest', async (layer) => {
    const unknown = settled('generate', { [layer]: { pair: 'lama-3.1-8b' } });
    await expect(unknown).rejects.toThrow(/(--pair|MTAD_PAIR|line \d+: pair): .*did you mean llama-3.1-8b\?/);
  });
});

test('a value that is overruled is not judged, so that a flag helps against a bad variable', async () => {
  const program = await settled('generate', {
    flag: { seed: 3 },
    environment: { seed: 'x' },
    top: { seed: 'y' },
  });
  expect(program.opts().seed).toBe(3);
});

test('lists: a flag replaces the list of the file, and one value is a list of one', async () => {
  const stop = ['a', 'b'];
  expect((await settled('generate', { top: { stop } })).opts().stop).toEqual(stop);
  expect((await settled('generate', { top: { stop }, flag: { stop: 'c' } })).opts().stop).toEqual(['c']);
  const said = { top: { 'draft-length': 6 } };
  expect((await settled('generate', said)).opts().draftLength).toBe(6);
  expect((await settled('benchmark', said)).opts().draftLength).toEqual([6]);
  const table = { ...said, table: { 'draft-length': [2, 4] } };
  expect((await settled('benchmark', table)).opts().draftLength).toEqual([2, 4]);
});

test('an empty variable says nothing', async () => {
  const program = await settled('generate', { environment: { threads: '' }, top: { threads: 1 } });
  expect(program.opts().threads).toBe(1);
});
