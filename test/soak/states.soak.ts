import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDirectEngine } from '../../src/engine/direct/engine.js';
import type { Engine, Model } from '../../src/engine/port.js';
import { TOLERANCE } from '../engine/rows.js';
import { kernelNoise, stateLaws, USES } from '../engine/state-laws.js';
import { HYBRID } from '../support/hybrid.js';
import { RECURRENT_MODELS } from '../support/other-architectures.js';

/** Of all uses together. */
const STEPS = 5000;

/** Steps of a use between two lines on how far it is, so that a run that is cut off tells what it has seen. */
const TOLD_EACH = 100;

/** Rolled back against fresh: what models with recurrent layers answer after thousands of random steps. */
describe.each([{ architecture: 'qwen35', write: async () => HYBRID }, ...RECURRENT_MODELS])(
  '$architecture',
  ({ architecture, write }) => {
    const seen: number[] = [];
    let dir: string;
    let engine: Engine;
    let model: Model;
    beforeAll(async () => {
      dir = await mkdtemp(join(tmpdir(), 'mtad-states-'));
      engine = await createDirectEngine({ gpu: 'off' });
      model = await engine.loadModel(await write(dir), {});
    });
    afterAll(async () => {
      await engine.dispose();
      await rm(dir, { recursive: true, force: true });
      tell(`${STEPS} steps`);
    });
    const tell = (steps: string) => {
      const largest = seen.reduce((a, b) => Math.max(a, b), 0);
      const above = seen.filter((difference) => difference >= TOLERANCE).length;
      process.stdout.write(
        `${architecture}: ${steps}, ${seen.length} rows: largest difference ${largest.toExponential(1)}, ${above} of them ${TOLERANCE} or more\n`,
      );
    };
    it('answers alike in passes of other sizes, of which nothing is taken back', async () => {
      const differences = await kernelNoise(model, 100);
      const largest = Math.max(...differences);
      process.stdout.write(
        `${architecture}: ${differences.length} rows in passes of other sizes: largest difference ${largest.toExponential(1)}\n`,
      );
      expect(largest).toBeLessThan(TOLERANCE);
    });
    const steps = STEPS / Object.keys(USES).length;
    stateLaws(() => model, {
      steps,
      seen: (difference) => seen.push(difference),
      stepped: (use, n) => {
        if (n % TOLD_EACH === 0) tell(`it ${use}, ${n} of ${steps} steps`);
      },
    });
  },
);
