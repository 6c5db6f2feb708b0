import { describe, expect, it } from 'vitest';
import { createRng } from '../../src/math/rng.js';
import type { StrategyOptions } from '../../src/strategies/index.js';
import { neverEnds, run } from '../support/fake-run.js';
import { tries } from '../support/tries.js';
import { obeysTheContract } from './contract.js';
import { isLossless } from './lossless.js';

const GAMMA_3 = { strategy: 'block', draftLength: 3, draftFrom: 'model' } as const;

describe('block', () => {
  describe.each([1, 3])('with gamma %d', (draftLength) => obeysTheContract({ ...GAMMA_3, draftLength }));

  describe.each(['model', 'lookup'] as const)('with a draft from %s', (draftFrom) =>
    isLossless({ ...GAMMA_3, draftFrom }),
  );

  describe('with a draft from lookup', () => obeysTheContract({ ...GAMMA_3, draftFrom: 'lookup' }));

  it('needs fewer passes of the target than token-wise verification', async () => {
    const passes = async (options: StrategyOptions) => {
      const settings = {
        rng: createRng(1),
        maxTokens: tries(3000, 8000),
        capacity: 9000,
        endsWith: neverEnds,
      };
      return (await run(options, settings)).steps.length;
    };
    expect(await passes(GAMMA_3)).toBeLessThan(
      tries(0.98, 0.97) * (await passes({ ...GAMMA_3, strategy: 'speculative' })),
    );
  });
});
