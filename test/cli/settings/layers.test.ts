import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command, Option } from 'commander';
import { stringify } from 'smol-toml';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createCommand, settableNames } from '../../../src/cli/command.js';
import { COMMANDS } from '../../../src/cli/commands/index.js';
import { takeSettings } from '../../../src/cli/settings/layers.js';
import { isSwitch, settingsOf, variableName } from '../../../src/cli/settings/names.js';
import { type Given, parseGiven } from '../../../src/cli/settings/values.js';
import { STRATEGY_NAMES } from '../../../src/strategies/index.js';
import { ioInMemory } from '../../support/run-in-process.js';
import { tries } from '../../support/tries.js';

let folder: string;
let file: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mtad-layers-'));
  file = join(folder, 'config.toml');
});
afterAll(() => rm(folder, { recursive: true }));

const SETTABLE = settableNames(COMMANDS);

/** Where a setting may be said, strongest first. */
const LAYERS = ['flag', 'environment', 'table', 'top'] as const;
type LayerName = (typeof LAYERS)[number];

/** The command's program after it has parsed what the layers say of one setting; it runs nothing. */
async function settled(
  command: string,
  said: Partial<Record<LayerName, Record<string, Given>>>,
): Promise<Command> {
  const variables = Object.entries(said.environment ?? {}).map(([name, value]) => [
    variableName(name),
    String(value),
  ]);
  const io = ioInMemory({
    MTAD_CONFIG: file,
    MTAD_DRAFT_LENGTH: undefined,
    MTAD_GPU: undefined,
    ...Object.fromEntries(variables),
  });
  const program = (await createCommand(command, io, COMMANDS)).action(() => {});
  takeSettings(command, program, io, COMMANDS);
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
  if (name === 'draft') return ['a.gguf', 'b.gguf'];
  if (name.endsWith('threads')) return [1, availableParallelism()];
  if (name === 'quality') return [0.9, 1.1];
  return ['threshold', 'repetition', 'top-p', 'min-p'].includes(name) ? [0.2, 0.3] : [2, 3];
}

const pairsOfLayers = LAYERS.flatMap((stronger, i) =>
  LAYERS.slice(i + 1).map((weaker) => [stronger, weaker] as const),
);

/** A layer that says one value, and weaker ones that all say the other. */
interface Quarrel {
  readonly stronger: LayerName;
  readonly weaker: readonly LayerName[];
  readonly values: readonly [Given, Given]; // of the stronger one first
}

/** Each day every layer against all that are weaker at once, of which one that won would show; else each pair by itself. */
function quarrels([one, other]: readonly [Given, Given]): readonly Quarrel[] {
  const againstAll = LAYERS.slice(0, -1).map((stronger, i): Quarrel => {
    return { stronger, weaker: LAYERS.slice(i + 1), values: i % 2 ? [other, one] : [one, other] };
  });
  const inPairs = pairsOfLayers.flatMap(([stronger, weaker]): Quarrel[] => [
    { stronger, weaker: [weaker], values: [one, other] },
    { stronger, weaker: [weaker], values: [other, one] },
  ]);
  return tries(againstAll, inPairs);
}

/** What these layers all say. */
const sayIn = (layers: readonly LayerName[], said: Record<string, Given>) =>
  Object.fromEntries(layers.map((layer) => [layer, said]));

describe.each(SETTABLE)('%s', async (command) => {
  const plain = await createCommand(command, ioInMemory(), COMMANDS);
  const options = settingsOf(plain);
  let silent: Promise<Command> | undefined;
  const nothingSaid = async () => {
    silent ??= settled(command, {});
    return (await silent).opts();
  };

  test.each([...options])(
    '--%s: the stronger of two layers wins, whichever it says',
    async (name, option) => {
      const key = option.attributeName();
      const sources = { flag: 'cli', environment: variableName(name), table: file, top: file };
      for (const { stronger, weaker, values } of quarrels(twoValues(name, option))) {
        const [strong, weak] = values;
        const said = { ...sayIn(weaker, { [name]: weak }), [stronger]: { [name]: strong } };
        const program = await settled(command, said);
        expect(program.opts()[key]).toEqual(parseGiven(option, strong));
        expect(program.getOptionValueSource(key)).toBe(sources[stronger]);
      }
    },
  );

  test.each([...options].filter(([, option]) => !isSwitch(option)))(
    '--no-%s: what others say is undone',
    async (name, option) => {
      const key = option.attributeName();
      const untouched = { ...(await nothingSaid()), [key]: option.defaultValue };
      const [, ...others] = LAYERS;
      for (const weaker of tries([others], [...others.map((layer) => [layer]), others])) {
        const said = { ...sayIn(weaker, { [name]: twoValues(name, option)[0] }), flag: { [name]: false } };
        expect((await settled(command, said)).opts()).toEqual(untouched);
      }
    },
  );

  test.each([...options])('--%s: nothing said leaves the default', async (_, option) => {
    const key = option.attributeName();
    expect((await nothingSaid())[key]).toEqual(plain.opts()[key]);
  });
});

/** Commands that sample and so have a use for what suits a pair. */
const SAMPLING = SETTABLE.filter((name) => ['generate', 'chat', 'benchmark'].includes(name));

describe.each(SAMPLING)('%s', (command) => {
  test('the settings of a pair are weaker than all that is said, and stronger than the default', async () => {
    for (const by of tries<LayerName[]>(['flag'], [...LAYERS])) {
      const program = await settled(command, { [by]: { pair: 'llama-3.1-8b' } });
      expect(program.opts()).toMatchObject({ temperature: 0.6, topP: 0.9, topK: 10 });
      expect(program.getOptionValueSource('temperature')).toBe('pair llama-3.1-8b');
      for (const other of tries<LayerName[]>(['top'], [...LAYERS])) {
        const both = { [by]: { pair: 'llama-3.1-8b' } };
        const said = { ...both, [other]: { ...both[other], temperature: 0.25 } };
        expect((await settled(command, said)).opts().temperature).toBe(0.25);
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
    }
  });

  test.each(LAYERS)('an unknown name in %s is answered with the nearest', async (layer) => {
    const unknown = settled('generate', { [layer]: { pair: 'lama-3.1-8b' } });
    await expect(unknown).rejects.toThrow(/(--pair|MTAD_PAIR|line \d+: pair): .*did you mean llama-3.1-8b\?/);
  });
});

describe('a draft model in the same place as a target', () => {
  const both = { model: 'a.gguf', draft: 'b.gguf' };

  test.each(pairsOfLayers)('%s has another target: it stays behind in %s', async (stronger, weaker) => {
    const program = await settled('generate', { [stronger]: { model: 'c.gguf' }, [weaker]: both });
    const { model, draft } = program.opts();
    expect({ model, draft }).toEqual({ model: 'c.gguf', draft: undefined });
  });

  test.each(pairsOfLayers)('%s has the same target: it holds in %s', async (stronger, weaker) => {
    const program = await settled('generate', { [stronger]: { model: 'a.gguf' }, [weaker]: both });
    expect(program.opts()).toMatchObject(both);
  });

  test.each(pairsOfLayers)('lookup goes with any target of %s from %s', async (stronger, weaker) => {
    const said = { [stronger]: { model: 'c.gguf' }, [weaker]: { ...both, draft: 'lookup' } };
    expect((await settled('generate', said)).opts()).toMatchObject({ model: 'c.gguf', draft: 'lookup' });
  });

  test('without a target beside it, it goes with any', async () => {
    const said = { flag: { model: 'c.gguf' }, top: { draft: 'b.gguf' } };
    expect((await settled('generate', said)).opts()).toMatchObject({ model: 'c.gguf', draft: 'b.gguf' });
  });
});

describe('settings that exclude each other', () => {
  const rivals = [
    [{ raw: true }, { chat: true }],
    [{ raw: true }, { system: 'Be brief' }],
  ] as const;
  const cases = rivals.flatMap(([one, other]) => [[one, other] as const, [other, one] as const]);

  test.each(cases)('%j beats %j in any weaker place', async (strong, weak) => {
    for (const [stronger, weaker] of pairsOfLayers) {
      const program = await settled('generate', { [stronger]: strong, [weaker]: weak });
      const { raw, chat, system } = program.opts();
      expect({ raw, chat, system }).toEqual({
        raw: undefined,
        chat: undefined,
        system: undefined,
        ...strong,
      });
    }
  });

  test.each(cases)('%j and %j in one place are refused, both named', async (one, other) => {
    for (const layer of LAYERS) {
      const contradiction = settled('generate', { [layer]: { ...one, ...other } });
      const [a, b] = [Object.keys(one)[0], Object.keys(other)[0]];
      await expect(contradiction).rejects.toThrow(new RegExp(`${a}.*${b}|${b}.*${a}`, 'i'));
    }
  });

  test.each(pairsOfLayers)('what %s turns off excludes nothing in %s', async (stronger, weaker) => {
    const said = { [stronger]: { raw: false }, [weaker]: { raw: true, chat: true } };
    expect((await settled('generate', said)).opts()).toMatchObject({ raw: false, chat: true });
  });
});

describe('a strategy and what it cannot do', () => {
  const rivals = [
    [{ strategy: 'speculative' }, { clip: true }],
    [{ strategy: 'mmtad' }, { draft: 'lookup' }],
  ] as const;
  const cases = rivals.flatMap(([one, other]) => [[one, other] as const, [other, one] as const]);

  test.each(cases)('%j beats %j in any weaker place', async (strong, weak) => {
    const usual = (await settled('generate', {})).opts();
    for (const [stronger, weaker] of pairsOfLayers) {
      const program = await settled('generate', { [stronger]: strong, [weaker]: weak });
      expect(program.opts()).toEqual({ ...usual, ...strong });
    }
  });

  test.each(rivals)('%j and %j in one place are refused, both named', async (one, other) => {
    for (const layer of LAYERS.slice(1)) {
      const contradiction = settled('generate', { [layer]: { ...one, ...other } });
      await expect(contradiction).rejects.toThrow(/strategy.*(clip|draft)|(clip|draft).*strategy/i);
    }
  });

  test.each(pairsOfLayers)(
    'mtad of %s goes with clip of %s, and mmtad with no clip',
    async (stronger, weaker) => {
      for (const [strategy, clip] of [
        ['mtad', true],
        ['mmtad', false],
      ] as const) {
        const program = await settled('generate', { [stronger]: { strategy }, [weaker]: { strategy, clip } });
        expect(program.opts()).toMatchObject(clip ? { strategy, clip } : { strategy });
      }
    },
  );
});

test('a choice of on, off and auto takes true and false too', async () => {
  const on = await settled('generate', { top: { think: true, 'flash-attn': true, color: true } });
  expect(on.opts()).toMatchObject({ think: 'on', flashAttn: 'on', color: 'always' });
  const off = await settled('generate', { table: { think: false, 'flash-attn': false, color: false } });
  expect(off.opts()).toMatchObject({ think: 'off', flashAttn: 'off', color: 'never' });
  await expect(settled('generate', { top: { threads: true } })).rejects.toThrow('not true or false');
});

test.each(['json-schema', 'grammar'])('--%s lets the text end, whatever is usual', async (name) => {
  for (const weaker of LAYERS.slice(1)) {
    const said = { flag: { [name]: 'a.file' }, [weaker]: { 'ignore-eos': true } };
    expect((await settled('generate', said)).opts().ignoreEos).toBe(undefined);
  }
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

test('of --no-stop and --stop, the last holds what it says', async () => {
  const program = async (...flags: string[]) => {
    const io = ioInMemory();
    const generate = (await createCommand('generate', io, COMMANDS)).action(() => {});
    takeSettings('generate', generate, io, COMMANDS);
    return (await generate.parseAsync(['--no-config', ...flags], { from: 'user' })).opts().stop;
  };
  expect(await program('--stop', 'a', '--no-stop')).toEqual([]);
  expect(await program('--stop', 'a', '--no-stop', '--stop', 'b')).toEqual(['b']);
});

test('--no-draft leaves the target of the file without one, --no-pair leaves nothing of the pair', async () => {
  const top = { model: 'a.gguf', draft: 'b.gguf' };
  const { model, draft } = (await settled('generate', { flag: { draft: false }, top })).opts();
  expect({ model, draft }).toEqual({ model: 'a.gguf', draft: undefined });
  const said = { flag: { pair: false }, top: { pair: 'llama-3.1-8b' } };
  expect((await settled('generate', said)).opts()).toEqual((await settled('generate', {})).opts());
});

test('--no-model undoes the draft model beside it too', async () => {
  const top = { model: 'a.gguf', draft: 'b.gguf' };
  const usual = (await settled('generate', {})).opts();
  expect((await settled('generate', { flag: { model: false }, top })).opts()).toEqual(usual);
});

test('--no-<name> undoes what environment and file say, and nothing of a pair', async () => {
  const pair = { pair: 'llama-3.1-8b' };
  const whole = (await settled('generate', { flag: pair })).opts();
  const beside = { model: 'a.gguf', draft: 'b.gguf', temperature: 0.3 };
  for (const name of ['model', 'draft', 'temperature']) {
    expect((await settled('generate', { flag: { ...pair, [name]: false } })).opts()).toEqual(whole);
    const said = { flag: { [name]: false }, environment: { [name]: beside[name as 'model'] }, top: pair };
    expect((await settled('generate', said)).opts()).toEqual(whole);
  }
});

test('raw is overruled by chat of a stronger place, whatever stands beside it', async () => {
  const said = { flag: { chat: true }, top: { system: 'Be brief', raw: true } };
  const { raw, chat, system } = (await settled('generate', said)).opts();
  expect({ raw, chat, system }).toEqual({ raw: undefined, chat: true, system: 'Be brief' });
});

test('an empty variable says nothing', async () => {
  const program = await settled('generate', { environment: { threads: '' }, top: { threads: 1 } });
  expect(program.opts().threads).toBe(1);
});
