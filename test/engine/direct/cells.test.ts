import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDirectEngine } from '../../../src/engine/direct/engine.js';
import type { Engine } from '../../../src/engine/port.js';
import { ResourceError } from '../../../src/errors.js';
import { DEVICE } from '../../support/device.js';
import { tinyModel } from '../../support/gguf-files.js';
import { slidingWindowModel } from '../../support/other-architectures.js';
import { ALL, alone, chain, decode, difference, forget, TOLERANCE, withContext } from '../rows.js';

describe('the cells that sequences share', () => {
  let dir: string;
  let engine: Engine;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'mtad-cells-'));
    engine = await createDirectEngine({ gpu: DEVICE });
  });
  afterAll(async () => {
    await engine.dispose();
    await rm(dir, { recursive: true, force: true });
  });

  it.each([1, 30])(
    'may be as few as %d: what does not fit is refused, and the context goes on',
    async (cells) => {
      const model = await engine.loadModel(await tinyModel(dir), {});
      const text = Array.from({ length: 200 }, (_, i) => 5 + i);
      await withContext(model, { capacity: 200, sequences: 4, cells }, async (context) => {
        await decode(context, chain(text), ALL); // llama.cpp makes 256 cells at least
        await expect(decode(context, chain(text, 0, 1), ALL)).rejects.toThrow('no room');
        await forget(context, 1, 0);
        const rows = await decode(context, chain(text.slice(0, 20), 0, 1), ALL);
        expect(difference(rows, await alone(model, text.slice(0, 20)))).toBeLessThan(TOLERANCE);
      });
    },
  );

  it('are kept by a sequence of the engine where there is a sliding window, so one less is to be had', async () => {
    const model = await engine.loadModel(await slidingWindowModel(dir, { window: 8 }), {});
    const refused = model.createContext({ capacity: 16, sequences: 256, threads: 1 });
    await expect(refused).rejects.toThrow(ResourceError);
    await withContext(model, { capacity: 16, sequences: 255 }, async (context) => {
      for (let time = 0; time < 2; time++) {
        for (let position = 0; position < 16; position++)
          await decode(context, chain([5 + position], position, 254), ALL);
        await forget(context, 254, 0);
      }
    });
  });
});
