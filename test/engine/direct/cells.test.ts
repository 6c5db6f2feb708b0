import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDirectEngine } from '../../../src/engine/direct/engine.js';
import type { Engine } from '../../../src/engine/engine.js';
import { ResourceError } from '../../../src/errors.js';
import { slidingWindowModel } from '../../support/other-architectures.js';
import { ALL, chain, withContext } from '../rows.js';

describe('the cells that sequences share', () => {
  let dir: string;
  let engine: Engine;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'mtad-cells-'));
    engine = await createDirectEngine({ gpu: 'off' });
  });
  afterAll(async () => {
    await engine.dispose();
    await rm(dir, { recursive: true, force: true });
  });

  it('are kept by a sequence of the engine where there is a sliding window, so one less is to be had', async () => {
    const model = await engine.loadModel(await slidingWindowModel(dir, { window: 8 }), {});
    const refused = model.createContext({ capacity: 16, sequences: 256, threads: 1 });
    await expect(refused).rejects.toThrow(ResourceError);
    await withContext(model, { capacity: 16, sequences: 128 }, async (context) => {
      for (let time = 0; time < 2; time++) {
        for (let position = 0; position < 16; position++)
          await context.decode(chain([5 + position], position, 127), ALL);
        await context.forget(127, 0);
      }
    });
  });
});
