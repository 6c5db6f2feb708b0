import { describe, expect, it } from 'vitest';
import { rawLogProb } from '../../src/math/raw-log-prob.js';
import { readLogits, TARGET, VOCABULARY } from '../support/fake-model.js';

describe('rawLogProb', () => {
  it('is the log-probability over the whole vocabulary, however few logits are at hand', () => {
    const top = readLogits(TARGET, [2, 4], { top: 3, logSumExp: true });
    const total = TARGET(4, 2).reduce((sum, logit) => sum + Math.exp(logit), 0);
    expect(TARGET(4, 2)).toHaveLength(VOCABULARY);
    for (const token of top.tokens)
      expect(Math.exp(rawLogProb(top, token)!)).toBeCloseTo(Math.exp(TARGET(4, 2)[token]!) / total, 12);
  });

  it('is refused for a token that was not read', () => {
    const top = readLogits(TARGET, [2, 4], { top: 1, logSumExp: true });
    const other = (top.tokens[0]! + 1) % VOCABULARY;
    expect(() => rawLogProb(top, other)).toThrow(
      new RangeError(`Token ${other} is not among the 1 that were read`),
    );
  });

  it('is undefined where the whole vocabulary was not summed', () => {
    expect(rawLogProb(readLogits(TARGET, [2, 4], { top: 3, logSumExp: false }), 0)).toBeUndefined();
  });
});
