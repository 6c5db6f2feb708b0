import { describe, expect, it } from 'vitest';
import { createRng } from '../../src/math/rng.js';
import { CUT, lawOfBeams, PREFIX } from '../drafting/beam-race.js';
import { FITS, misfit } from '../support/chi-square.js';
import { distributionAfter, TARGET, textsAfter, UNCUT } from '../support/fake-model.js';
import { neverEnds, run } from '../support/fake-run.js';
import { tries } from '../support/tries.js';
import { obeysTheContract } from './contract.js';

const OPTIONS = { strategy: 'mtjd', draftLength: 3, beamWidth: 2 } as const;
const GREEDY = { ...UNCUT, temperature: 0 };
const SEEDS = Array.from({ length: 30 }, (_, i) => i + 1);

describe('mtjd', () => {
  describe.each([OPTIONS, { ...OPTIONS, draftLength: 2, beamWidth: 3 }])(
    'with gamma $draftLength and beam width $beamWidth',
    (options) => obeysTheContract(options),
  );

  it('writes the likeliest of the beams that the target samples', async () => {
    const law = lawOfBeams(3, 2, CUT, { model: TARGET });
    const rng = createRng(1);
    const texts: string[] = [];
    for (let i = 0; i < tries(2000, 6000); i++) {
      const { steps } = await run(OPTIONS, { sampling: CUT, prompt: PREFIX, rng, maxTokens: 4 });
      texts.push(steps[0]!.emitted.join(' '));
    }
    expect(misfit(texts, law)).toBeLessThan(FITS);
  });

  it('finds at temperature 0, with beams enough, the likeliest of all blocks', async () => {
    const { steps, prefix } = await run(
      { ...OPTIONS, beamWidth: 36 },
      { sampling: GREEDY, maxTokens: 13, endsWith: neverEnds },
    );
    for (const { position, emitted, next } of steps.slice(0, 3)) {
      const texts = textsAfter(TARGET, prefix.slice(0, position), 3, UNCUT);
      expect(texts.get(emitted.join(' '))).toBeCloseTo(Math.max(...texts.values()), 12);
      expect(next).toBeUndefined();
    }
  });

  it('emits gamma tokens in gamma + 1 passes of the target, and leaves the draft model alone', async () => {
    for (const seed of SEEDS) {
      const { steps, pair } = await run(OPTIONS, {
        rng: createRng(seed),
        endsWith: neverEnds,
        maxTokens: 13,
      });
      for (const { emitted, targetPasses, draftPasses } of steps.slice(0, 3)) {
        expect(emitted.length).toBeLessThanOrEqual(3); // fewer where a beam ended, which is ignored here
        expect(targetPasses).toBeLessThanOrEqual(4);
        expect(draftPasses).toBe(0);
      }
      expect(pair.draft.passes).toBe(1); // the prompt
    }
  });

  it('draws one token from the target where there is room for no more', async () => {
    const rng = createRng(2);
    const texts: string[] = [];
    for (let i = 0; i < tries(1000, 3000); i++) {
      const { steps, emitted } = await run(OPTIONS, { prompt: PREFIX, rng, capacity: PREFIX.length });
      expect(steps[0]).toMatchObject({ drafted: 0, accepted: 0, next: emitted[0], targetPasses: 1 });
      texts.push(`${emitted[0]}`);
    }
    expect(misfit(texts, textsAfter(TARGET, PREFIX, 1, UNCUT))).toBeLessThan(FITS);
    const full = { prompt: PREFIX, capacity: PREFIX.length };
    const { emitted } = await run(OPTIONS, { ...full, sampling: GREEDY });
    expect(emitted[0]).toBe(distributionAfter(TARGET, PREFIX, UNCUT).tokens[0]);
  });
});
