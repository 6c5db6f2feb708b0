import { describe, expect, it } from 'vitest';
import type { Strategy } from '../../src/decoding/strategy.js';
import type { DraftLength } from '../../src/drafting/length.js';
import { AdaptiveLength } from '../../src/tuning/adaptive-length.js';
import { MOST_GUESSES } from '../../src/tuning/step-costs.js';
import { DOES_NOT_FIT, FITS, misfit } from '../support/chi-square.js';
import { TARGET, textsAfter, UNCUT } from '../support/fake-model.js';
import { PROMPT } from '../support/fake-run.js';
import { openings } from './lossless.js';

const THREE = 3;

/** Guesses on only behind a likely guess. */
const cautious: DraftLength = {
  begin: (room) => Math.min(THREE, room),
  goesOn: (logQ) => logQ.at(-1)! > Math.log(0.4),
  judged: ({ length }) => length,
  judgesBeside: () => true,
  inPlaceOfDraft: () => undefined,
  goesOnWithoutPass: (logQ, tailLogQ) =>
    logQ.length + tailLogQ.length <= THREE && tailLogQ.at(-1)! > Math.log(0.4),
};

const costs = {
  target: [
    { rows: 1, ms: 10 },
    { rows: 17, ms: 20 },
  ],
  draft: [{ rows: 1, ms: 1 }],
};

/** Does not let the target judge a last guess that is unlikely. */
const withoutUnlikely = (strategy: Strategy): Strategy => ({
  ...strategy,
  async draft(prefix, room, rng) {
    const chain = await strategy.draft(prefix, room, rng);
    const last = chain.at(-1);
    const isUnlikely = last && Math.exp(last.q.logProbs[last.q.tokens.indexOf(last.token)]!) < 0.4;
    return isUnlikely ? chain.slice(0, -1) : chain;
  },
});

describe.each(['speculative', 'block'] as const)('%s with a draft length that adapts', (strategy) => {
  const options = { strategy, draftLength: MOST_GUESSES, draftFrom: 'model' } as const;
  const law = textsAfter(TARGET, PROMPT, 3, UNCUT);

  it('writes with the probabilities of the target where it stops behind what it has guessed', async () => {
    expect(misfit(await openings(options, { length: cautious }), law)).toBeLessThan(FITS);
  });

  it('writes with the probabilities of the target while it learns what pays', async () => {
    const length = new AdaptiveLength(costs, { beamWidth: 1, isTold: true, threshold: 1 });
    const texts = await openings(options, { length, onStep: (step) => length.learn(step) });
    expect(misfit(texts, law)).toBeLessThan(FITS);
  });

  it('would be found out if it left out a guess after drawing it', async () => {
    const texts = await openings(options, { length: cautious, alter: withoutUnlikely });
    expect(misfit(texts, law)).toBeGreaterThan(DOES_NOT_FIT);
  });
});
