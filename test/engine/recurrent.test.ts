import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDirectEngine } from '../../src/engine/direct/engine.js';
import type { Engine, Model } from '../../src/engine/port.js';
import { DEVICE } from '../support/device.js';
import { HYBRID } from '../support/hybrid.js';
import { RECURRENT_MODELS } from '../support/other-architectures.js';
import { namedOf, tries } from '../support/tries.js';
import { cacheLaws } from './cache-laws.js';
import { ALL, chain, copy, decode, forget, withContext } from './rows.js';
import { stateLaws } from './state-laws.js';

const ALL_MODELS = [...RECURRENT_MODELS, { architecture: 'qwen35', kept: 3, write: async () => HYBRID }];
/** Each day one that can take nothing back, one that can, and the one that comes along. */
const DAILY = namedOf(ALL_MODELS, 'architecture', ['mamba2', 'lfm2', 'qwen35']);

describe.each(tries(DAILY, ALL_MODELS))('a $architecture model', ({ kept, write }) => {
  let dir: string;
  let engine: Engine;
  let model: Model;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'mtad-recurrent-'));
    engine = await createDirectEngine({ gpu: DEVICE });
    model = await engine.loadModel(await write(dir), {});
  });
  afterAll(async () => {
    await engine.dispose();
    await rm(dir, { recursive: true, force: true });
  });

  stateLaws(() => model);
  cacheLaws(() => model);

  const TEXT = Array.from({ length: 12 }, (_, i) => 259 + 7 * i);
  const withTwo = (use: Parameters<typeof withContext>[2]) =>
    withContext(model, { capacity: 40, sequences: 2, rollback: 3 }, use as never);

  it(`says that it can take back ${kept} tokens, of the last pass but for its first, and once`, () =>
    withTwo(async (context) => {
      expect(context).toMatchObject({ rollback: kept, sharesCells: false });
      await decode(context, chain(TEXT), ALL);
      expect(context.least).toEqual([12 - kept, 0]);
      await decode(context, chain(TEXT.slice(0, 3), 12), ALL);
      expect(context.least).toEqual([15 - Math.min(kept, 2), 0]);
      if (kept === 0) return;
      await forget(context, 0, 14);
      expect(context.least).toEqual([14, 0]);
      await expect(forget(context, 0, 13)).rejects.toThrow(RangeError);
      expect(context.held).toEqual([14, 0]);
    }));

  it('copies what a sequence holds as a whole, and refuses a part, or one that was cut back', () =>
    withTwo(async (context) => {
      await decode(context, chain(TEXT), ALL);
      await expect(copy(context, 0, [1], 11)).rejects.toThrow(RangeError);
      await copy(context, 0, [1], 12);
      expect(context).toMatchObject({ held: [12, 12], least: [12, 12] });
      await expect(forget(context, 0, 11)).rejects.toThrow(RangeError);
      if (kept === 0) return;
      await decode(context, chain(TEXT.slice(0, 3), 12), ALL);
      await forget(context, 0, 13);
      await expect(copy(context, 0, [1], 13)).rejects.toThrow(RangeError);
    }));

  it('forgets all that a failed pass may have changed', () =>
    withContext(model, { capacity: 40, sequences: 2 }, async (context) => {
      await decode(context, [...chain(TEXT), ...chain(TEXT.slice(0, 5), 0, 1)], ALL);
      const lost = {
        ...chain([300], 12)[0]!,
        mask: {
          allows: () => {
            throw new Error('No mask');
          },
        },
      }; // prettier-ignore
      await expect(decode(context, [lost], { top: 4, logSumExp: false })).rejects.toThrow('No mask');
      expect(context.held).toEqual([0, 5]);
    }));
});
