import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createBindingsEngine } from '../../src/engine/bindings/engine.js';
import { createDirectEngine } from '../../src/engine/direct/engine.js';
import type { Engine, Model } from '../../src/engine/port.js';
import { ModelFileError } from '../../src/errors.js';
import { EMBEDDED_PAIR } from '../../src/models/resolve.js';
import { DEVICE } from '../support/device.js';
import { hybridModel, recurrentModel, slidingWindowModel } from '../support/other-architectures.js';
import { tries } from '../support/tries.js';
import { cacheLaws } from './cache-laws.js';
import { ALL, alone, chain, copy, decode, difference, forget, TOLERANCE, withContext } from './rows.js';

const WINDOW = 8;

/**
 * Two texts that part at the first token. A cache that kept what the window holds, and no more, would have 256 cells:
 * llama.cpp rounds up. So only a longer text shows what it has lost.
 */
const LENGTH = 300;
const A = Array.from({ length: LENGTH }, (_, i) => 259 + ((7 * i) % 120));
const B = Array.from({ length: LENGTH }, (_, i) => 259 + ((11 * i + 1) % 120));

describe.each([
  { name: 'direct', create: createDirectEngine },
  { name: 'bindings', create: createBindingsEngine },
])('with the $name engine', ({ create }) => {
  let dir: string;
  let engine: Engine;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'mtad-architectures-'));
    engine = await create({ gpu: DEVICE });
  });
  afterAll(async () => {
    await engine.dispose();
    await rm(dir, { recursive: true, force: true });
  });

  describe('a model with a sliding window', () => {
    let model: Model;
    beforeAll(async () => {
      model = await engine.loadModel(await slidingWindowModel(dir, { window: WINDOW }), {});
    });

    cacheLaws(() => model, { longest: LENGTH });

    it('sees what its window holds, and no more', async () => {
      const wide = await engine.loadModel(await slidingWindowModel(dir, { window: 512 }), {});
      const [rows, expected] = [await alone(model, A), await alone(wide, A)];
      expect(difference(rows.slice(0, WINDOW), expected.slice(0, WINDOW))).toBeLessThan(TOLERANCE);
      expect(difference(rows.slice(WINDOW), expected.slice(WINDOW))).toBeGreaterThan(10 * TOLERANCE);
    });

    it('keeps what a sequence holds while another is emptied and grows past it', async () => {
      const changed = [...B.slice(0, 20), ...A.slice(20, 60)];
      await withContext(model, { capacity: LENGTH, sequences: 2 }, async (context) => {
        await decode(context, chain(A.slice(0, 100), 0, 0), ALL);
        await decode(context, chain(B.slice(0, 100), 0, 1), ALL);
        await forget(context, 0, 0);
        await decode(context, chain(A, 0, 0), ALL);
        await forget(context, 1, 20);
        const rows = await decode(context, chain(changed.slice(20), 20, 1), ALL);
        expect(difference(rows, (await alone(model, changed)).slice(20))).toBeLessThan(TOLERANCE);
      });
    });

    it.each(tries([1, 270], [0, 1, 20, 270]))(
      'goes on from position %d as if the text behind it had never been',
      async (from) => {
        const changed = [...A.slice(0, from), ...B.slice(from)];
        await withContext(model, { capacity: A.length, sequences: 2 }, async (context) => {
          for (const { token, position } of chain(A)) await decode(context, chain([token], position), ALL);
          await copy(context, 0, [1], A.length);
          for (const sequence of [0, 1]) {
            await forget(context, sequence, from);
            const rows = await decode(context, chain(changed.slice(from), from, sequence), ALL);
            expect(difference(rows, (await alone(model, changed)).slice(from))).toBeLessThan(TOLERANCE);
          }
        });
      },
    );
  });

  describe.each([
    { kind: 'recurrent', architecture: 'mamba', write: recurrentModel },
    { kind: 'hybrid', architecture: 'lfm2', write: hybridModel },
  ])('a $kind model', ({ architecture, write }) => {
    it('is refused by the bindings engine by name and reason, and the engine goes on', async () => {
      if (engine.name === 'direct')
        return expect((await engine.loadModel(await write(dir), {})).isRecurrent).toBe(true);
      const refused = engine.loadModel(await write(dir), {});
      await expect(refused).rejects.toThrow(ModelFileError);
      await expect(refused).rejects.toThrow(new RegExp(`${architecture} model, .*cannot roll back.*direct`));
      const next = await engine.loadModel(EMBEDDED_PAIR.draft, {});
      expect(await alone(next, [1])).toHaveLength(1);
    });
  });
});
