import { setTimeout } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import type { ContextOptions } from '../../src/engine/passes.js';
import type { Engine, Model } from '../../src/engine/port.js';
import { ResourceError } from '../../src/errors.js';
import { EMBEDDED_PAIR } from '../../src/models/resolve.js';
import { ALL, chain, decode, withContext } from './rows.js';

/** Sizes that no machine has the memory for: half a terabyte, then more tokens than 32 bits can count. */
const TOO_LARGE = [
  { capacity: 2 ** 26, sequences: 1 },
  { capacity: 2 ** 33, sequences: 1 },
  { capacity: 2 ** 31, sequences: 64 },
];

/** What is no number of tokens, sequences or threads. */
const NONSENSE: Partial<ContextOptions>[] = [
  { capacity: 0 },
  { capacity: 1.5 },
  { capacity: Number.NaN },
  { sequences: 0 },
  { sequences: -1 },
  { sequences: 1.5 },
  { threads: 0 },
  { threads: -1 },
  { threads: Number.NaN },
  { threads: 513 },
];

/** Memory: refused in words where there is not enough, freed when told, and told as often as one likes. */
export function resourceLaws(create: () => Promise<Engine>, target: () => Model): void {
  it.each(TOO_LARGE)(
    'refuses $sequences x $capacity tokens with a ResourceError, and goes on',
    async (size) => {
      const refused = target()
        .createContext({ ...size, threads: 1 })
        .then((context) => context.dispose());
      await expect(refused).rejects.toThrow(ResourceError);
      const rows = await withContext(target(), { capacity: 8, sequences: 1 }, (context) =>
        decode(context, chain(target().tokenizer.encode('Once')), ALL),
      );
      expect(rows).toHaveLength(2);
    },
  );

  it.each(NONSENSE)('refuses a context of %o', async (options) => {
    const refused = target().createContext({ capacity: 8, sequences: 1, threads: 1, ...options });
    await expect(refused).rejects.toThrow(RangeError);
  });

  it.each([
    { sequences: 256, capacity: 2 },
    { sequences: 129, capacity: 1 },
  ])('makes $sequences sequences of $capacity tokens', async (size) => {
    await withContext(target(), size, async (context) => {
      const batch = Array.from({ length: size.sequences }, (_, sequence) => chain([1], 0, sequence)).flat();
      expect(await decode(context, batch, { top: 1, logSumExp: false })).toHaveLength(size.sequences);
    });
  });

  it('frees a model whose contexts nobody has disposed of, or remembers', async () => {
    const engine = await create();
    const model = await engine.loadModel(EMBEDDED_PAIR.draft, {});
    for (let time = 0; time < 3; time++) await model.createContext({ capacity: 8, sequences: 1, threads: 1 });
    setFlagsFromString('--expose-gc');
    runInNewContext('gc')();
    await setTimeout(50); // finalizers run later
    await engine.dispose();
  });

  it('refuses it too where layers are to go to a GPU that there is not', async () => {
    const engine = await create();
    try {
      const model = await engine.loadModel(EMBEDDED_PAIR.draft, { gpuLayers: 99 });
      const refused = model.createContext({ capacity: 2 ** 28, sequences: 1, threads: 1 });
      await expect(refused).rejects.toThrow(ResourceError);
    } finally {
      await engine.dispose();
    }
  });

  it('disposes of contexts and engines in any order, any number of times', async () => {
    const engine = await create();
    const model = await engine.loadModel(EMBEDDED_PAIR.draft, {});
    const [first, second] = [
      await model.createContext({ capacity: 8, sequences: 1, threads: 1 }),
      await model.createContext({ capacity: 8, sequences: 1, threads: 1 }),
    ];
    await first.dispose();
    await first.dispose();
    expect(await decode(second, chain([1]), ALL)).toHaveLength(1);
    await engine.dispose();
    await engine.dispose();
    await second.dispose();
    await expect(decode(second, chain([2], 1), ALL)).rejects.toThrow();
    await expect(engine.loadModel(EMBEDDED_PAIR.draft, {})).rejects.toThrow();
  });

  it('stops loading a model when told to', async () => {
    const engine = await create();
    try {
      const signal = AbortSignal.abort(new Error('enough'));
      await expect(engine.loadModel(EMBEDDED_PAIR.draft, { signal })).rejects.toThrow('enough');
      await engine.loadModel(EMBEDDED_PAIR.draft, {});
    } finally {
      await engine.dispose();
    }
  });
}
