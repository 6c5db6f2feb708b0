import { describe, expect, it } from 'vitest';
import { addCounters, type Counters, NO_STEPS, ratios, timesAsFast } from '../../src/generation/counters.js';

const SUM: Counters = {
  ...NO_STEPS,
  steps: 10,
  targetPasses: 10,
  draftPasses: 40,
  drafted: 40,
  accepted: 24,
  emitted: 34,
  rawLogProbSum: -34 * Math.log(5),
  ms: { draft: 200, verify: 750, wait: 0, own: 50, decode: 1000 },
};

describe('ratios', () => {
  it('are quotients of the counters', () => {
    const { blockEfficiency, acceptanceRate, perplexity, tokensPerSecond } = ratios(SUM);
    expect(blockEfficiency).toBe(3.4); // emitted / target passes
    expect(acceptanceRate).toBe(0.6); // accepted / drafted
    expect(perplexity).toBeCloseTo(5, 12); // each token had probability 1/5
    expect(tokensPerSecond).toBe(34); // 34 tokens in 1000 ms, all parts of the loop together
  });

  it('are null where nothing was generated', () => {
    expect(ratios(NO_STEPS)).toEqual({
      blockEfficiency: null,
      acceptanceRate: null,
      acceptanceByPosition: [],
      perplexity: null,
      tokensPerSecond: null,
      msPerToken: null,
    });
  });

  it('have no acceptance rate where nothing was drafted', () => {
    expect(ratios({ ...SUM, drafted: 0, accepted: 0 })).toMatchObject({
      acceptanceRate: null,
      blockEfficiency: 3.4,
    });
  });

  it('have an acceptance rate of 0, not none, where everything was refused', () => {
    expect(ratios({ ...SUM, accepted: 0 }).acceptanceRate).toBe(0);
  });

  it('have no perplexity where log-probabilities were not read', () => {
    expect(ratios({ ...SUM, rawLogProbSum: Number.NaN }).perplexity).toBeNull();
  });

  it('have no speed where no time passed', () => {
    expect(
      ratios({ ...SUM, ms: { draft: 0, verify: 0, wait: 0, own: 0, decode: 0 } }).tokensPerSecond,
    ).toBeNull();
  });

  it('say where the time of a token goes: its parts are its whole', () => {
    const { msPerToken, tokensPerSecond } = ratios(SUM);
    const { draft, verify, own } = msPerToken!;
    expect(1000 / (draft + verify + own)).toBeCloseTo(tokensPerSecond!, 10);
  });

  it('of two writers agree with their speeds', () => {
    const slow = { ...SUM, emitted: 17, ms: { ...SUM.ms, decode: 4000 } };
    expect(timesAsFast(SUM.emitted, SUM.ms.decode, slow.emitted, slow.ms.decode)).toBeCloseTo(
      ratios(SUM).tokensPerSecond! / ratios(slow).tokensPerSecond!,
      10,
    );
    expect(timesAsFast(SUM.emitted, SUM.ms.decode, 0, 0)).toBeNull();
  });

  it('of several generations are those of their sums', () => {
    const other = { ...SUM, accepted: 4, ms: { ...SUM.ms, decode: 3000 } };
    expect(ratios(addCounters(SUM, other))).toMatchObject({ acceptanceRate: 28 / 80, tokensPerSecond: 17 });
    const untold = { ...SUM, drafted: Number.NaN };
    expect(ratios(addCounters(SUM, untold)).acceptanceRate).toBeNull();
  });
});
