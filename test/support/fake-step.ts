import type { Step } from '../../src/decoding/loop.js';
import { fakeDistribution } from './fake-distribution.js';

/** A step of which nothing was accepted. @param guesses 0: a plain step, else a chain */
export function fakeStep(guesses: number, ms: Pick<Step['ms'], 'draft' | 'verify' | 'own'>): Step {
  const q = fakeDistribution(1);
  return {
    position: 1,
    draft: Array.from({ length: guesses }, (_, i) => ({ token: 0, parent: i - 1, q })),
    p: [],
    drafted: guesses,
    accepted: 0,
    path: [],
    next: 0,
    emitted: [0],
    rawLogProbs: undefined,
    targetPasses: 1,
    draftPasses: guesses,
    ms: { ...ms, wait: 0 },
  };
}
