import { describe, expect, it } from 'vitest';
import type { Estimate } from '../../src/math/bootstrap.js';
import { adviceOf, type Tried } from '../../src/tune/advice.js';
import type { Candidate } from '../../src/tune/candidate.js';
import type { Measured } from '../../src/tune/figures.js';

const near = (value: number, by = 0.05): Estimate => ({ value, low: value - by, high: value + by });
const PLAIN = { perplexity: near(2.7), distinct2: near(0.83, 0.02), repeated4: near(0.03, 0.01) };

/** Of texts that are as good as those of plain decoding. */
const ALIKE = { perplexityRatio: near(1, 0.02), distinct2Ratio: near(1, 0.02) };

function tried(candidate: Candidate, speedUp: Estimate, worth: Partial<Measured> = {}): Tried {
  const figures: Measured = { ...PLAIN, ...ALIKE, ...worth, speedUp };
  return { candidate, foretold: figures, measured: figures };
}

const JOINT: Candidate = { strategy: 'mtad', beamWidth: 4, threshold: 0.2, draftLength: 'auto' };
const EXACT: Candidate = { strategy: 'speculative', draftLength: 4 };

describe('the advice', () => {
  it('is the fastest that is faster beyond doubt, with the next', () => {
    const some = [
      tried(EXACT, near(1.4)),
      tried(JOINT, near(1.8), { perplexity: near(2.4), perplexityRatio: near(0.89, 0.01) }),
    ];
    const { best, runnerUp, text } = adviceOf(some, PLAIN, 1);
    expect([best?.candidate, runnerUp?.candidate]).toEqual([JOINT, EXACT]);
    expect(text).toBe(
      'Use mtad k=auto w=4 tau=0.2: 1.80 times (1.75 to 1.85, foretold 1.80) as fast as autoregressive. Its text: perplexity ' +
        '2.40 (2.35 to 2.45) against 2.70 (2.65 to 2.75): 0.89 (0.88 to 0.90) times; distinct-2 0.83 (0.81 to 0.85) ' +
        'against 0.83 (0.81 to 0.85): 1.00 (0.98 to 1.02) times; repeated 4-grams 0.03 (0.02 to 0.04) against 0.03 (0.02 to 0.04). Next: speculative k=4, 1.40 times (1.35 to 1.45, ' +
        "foretold 1.40). Its text is distributed as the target's own.",
    );
  });

  it.each([
    ['slower', near(0.8)],
    ['not faster beyond doubt', near(1.1, 0.2)],
  ])('is not to draft where the best is %s', (_, speedUp) => {
    const { best, text } = adviceOf([tried(JOINT, speedUp)], PLAIN, 1);
    expect(best).toBeUndefined();
    expect(text).toMatch(
      /^Do not draft with these models on this machine: the nearest, mtad k=auto w=4 tau=0\.2, is /,
    );
  });

  it.each([
    ['less likely than was asked for', { perplexityRatio: near(1.1) }, 1],
    ['repeating itself', { distinct2Ratio: near(0.7) }, 1],
    ['not likelier, as was asked for', {}, 0.9],
  ])('passes over a text that is %s', (_, worth, quality) => {
    expect(adviceOf([tried(JOINT, near(2), worth)], PLAIN, quality).best).toBeUndefined();
    const { best } = adviceOf([tried(JOINT, near(2), worth), tried(EXACT, near(1.4))], PLAIN, quality);
    expect(best?.candidate).toEqual(quality < 1 ? undefined : EXACT);
  });

  it('says where prompts are too few', () => {
    const unsure = { value: 1.5, low: null, high: null };
    expect(adviceOf([tried(JOINT, unsure)], PLAIN, 1).text).toMatch(
      /Fewer than 5 prompts are too few to be sure\.$/,
    );
    expect(adviceOf([], PLAIN, 1).text).toMatch(/^Do not draft: no setting is known/);
  });
});
