import { describe, expect, it } from 'vitest';
import { NO_STEPS } from '../../src/generation/counters.js';
import { measured } from '../../src/tune/figures.js';
import type { Recorded } from '../../src/tune/recording.js';

const TOKENS = Array.from({ length: 20 }, (_, i) => i);

/** A text whose tokens all have this log-probability, and took so many milliseconds each. */
function text(logProb: number, ms: number): Recorded {
  const counters = { ...NO_STEPS, ms: { ...NO_STEPS.ms, decode: ms * TOKENS.length } };
  return { tokens: TOKENS, chains: [], counters, logProbSum: logProb * TOKENS.length };
}

describe('what was measured', () => {
  it('is held against plain decoding prompt by prompt, so that hard prompts widen no interval of a ratio', () => {
    const hardness = [0.2, 0.8, 1.4, 2.2, 3];
    const plain = hardness.map((nats) => text(-nats, 4));
    const texts = hardness.map((nats) => text(-nats + 0.1, 2));
    const { perplexity, perplexityRatio, distinct2Ratio, speedUp } = measured(texts, plain);
    expect(perplexity!.high! / perplexity!.low!).toBeGreaterThan(2);
    for (const bound of [perplexityRatio!.low, perplexityRatio!.value, perplexityRatio!.high])
      expect(bound).toBeCloseTo(Math.exp(-0.1), 9);
    expect(distinct2Ratio).toEqual({ value: 1, low: 1, high: 1 });
    expect(speedUp).toEqual({ value: 2, low: 2, high: 2 });
  });
});
