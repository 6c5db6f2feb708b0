import { beforeAll, describe, expect, it } from 'vitest';
import type { Step } from '../../src/decoding/loop.js';
import type { Pair } from '../../src/models/pair.js';
import { embeddedPair } from '../support/embedded-pair.js';
import { acceptedByMtad } from '../support/likeliest-beam.js';
import { tries } from '../support/tries.js';
import { run } from './generate-run.js';

let pair: Pair;
beforeAll(async () => {
  pair = await embeddedPair();
});

const stepsOf = async (settings: { threshold: number; temperature: number }): Promise<Step[]> => {
  const steps: Step[] = [];
  for (const seed of [51, 52, 53])
    steps.push(
      ...(
        await run(pair, { strategy: 'mmtad', seed, maxTokens: 200, ignoreEos: true, ...settings })
      ).steps.slice(0, -1), // the limit may cut the last
    );
  return steps;
};

const USUAL = { threshold: 0.5, temperature: 1 };
const OTHERS = [
  { threshold: 0.1, temperature: 1 },
  { threshold: 0.9, temperature: 0 },
];

describe.each(tries([USUAL], [USUAL, ...OTHERS]))(
  'the steps of mmtad with threshold $threshold at temperature $temperature',
  (settings) => {
    it('accept never less than mtad would of the same draft, mostly as much and at times more', async () => {
      const steps = await stepsOf(settings);
      expect(steps.length).toBeGreaterThan(100);
      let longer = 0;
      for (const { draft, p, accepted, targetPasses } of steps) {
        const alone = acceptedByMtad(draft, p, settings.threshold);
        expect(accepted).toBeGreaterThanOrEqual(alone);
        if (accepted > alone) longer++;
        expect(targetPasses).toBe(1);
      }
      expect(longer).toBeGreaterThan(10);
      expect(longer).toBeLessThan(steps.length / 2);
    });
  },
);
