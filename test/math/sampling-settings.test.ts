import { describe, expect, it } from 'vitest';
import {
  DEFAULT_SAMPLING,
  likelihoodTruncation,
  samplingTruncation,
} from '../../src/math/sampling-settings.js';
import { truncate } from '../../src/math/truncate.js';
import { probabilities } from '../support/fake-distribution.js';
import { readLogits, TARGET, VOCABULARY } from '../support/fake-model.js';

const TOP = readLogits(TARGET, [1, 2], { top: 0, logSumExp: false });
const BEST = TOP.tokens[0]!;
const CUT = { temperature: 0.7, topK: 4, topP: 0.8, banned: new Set([BEST]) };

describe('samplingTruncation', () => {
  it('gives the most likely token everything at temperature 0', () => {
    const result = truncate(TOP, samplingTruncation({ temperature: 0, topK: 0, topP: 1 }));
    expect(probabilities(result, VOCABULARY)[BEST]).toBe(1);
  });

  it('never gives it to a banned token', () => {
    const { tokens } = truncate(TOP, samplingTruncation({ ...CUT, temperature: 0 }));
    expect([...tokens]).toEqual([TOP.tokens[1]]);
  });

  it('changes nothing at any other temperature', () => {
    expect(samplingTruncation(CUT)).toEqual(CUT);
  });
});

describe('likelihoodTruncation', () => {
  it('has the likelihoods of temperature 1 at temperature 0, cut as asked', () => {
    expect(likelihoodTruncation({ ...CUT, temperature: 0 })).toEqual({ ...CUT, temperature: 1 });
  });

  it('changes nothing at any other temperature', () => {
    expect(likelihoodTruncation(CUT)).toEqual(CUT);
  });
});

describe('DEFAULT_SAMPLING', () => {
  it("is the paper's", () => {
    expect(DEFAULT_SAMPLING).toEqual({ temperature: 1, topK: 10, topP: 0.9 });
  });
});
