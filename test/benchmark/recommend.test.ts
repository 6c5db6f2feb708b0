import { describe, expect, it } from 'vitest';
import { recommend as advise } from '../../src/benchmark/recommend.js';
import type { ContenderSummary, Estimate } from '../../src/benchmark/report.js';
import { about, fakeSummary } from '../support/fake-generation.js';

const recommend = (contenders: readonly ContenderSummary[]) => advise(contenders).text;

const PLAIN = fakeSummary({ perplexity: about(5), distinct: [0.6, 0.9, 1] });

/** A strategy of so many times the speed of plain sampling, which is 20 tokens/s. */
function rival(name: string, factor: Estimate, rest: Partial<ContenderSummary> = {}): ContenderSummary {
  return fakeSummary({
    name,
    tokensPerSecond: about(factor.value * 20),
    speedUp: { autoregressive: factor, speculative: null, predictor: null },
    perplexity: about(5),
    distinct: [0.6, 0.9, 1],
    ...rest,
  });
}

const GREEDY = rival('greedy', about(1, 0.1), { role: 'baseline', perplexity: about(2) });

describe('the recommendation', () => {
  it('is the fastest beyond doubt, with its price', () => {
    const mtad = rival('mtad k=4', about(2), { perplexity: about(4.25) });
    const advice = recommend([rival('mmtad k=4', about(1.6)), PLAIN, mtad]);
    expect(advice).toBe(
      'Use mtad k=4 (direct): 2.00 times (1.50 to 2.50) as fast as autoregressive. Its perplexity shows no difference: ' +
        '4.25 (3.75 to 4.75) against 5.00 (4.50 to 5.50). Its speed shows no difference from that of mmtad k=4 (direct): ' +
        '1.60 times (1.10 to 2.10).',
    );
  });

  it('says where the next strategy may be as fast, and only there', () => {
    const mtad = rival('mtad k=4', about(2, 0.2), { perplexity: about(4) });
    const said = 'Its speed shows no difference from that of ';
    const beside = (...others: ContenderSummary[]) => recommend([PLAIN, mtad, ...others]);
    expect(beside(rival('mmtad k=4', about(1.5, 0.2)))).not.toContain(said);
    expect(beside(rival('mtad k=2', about(1.9, 0.2)))).not.toContain(said); // the same strategy
    const others = [rival('block k=4', about(1.8, 0.2)), rival('mmtad k=4', about(1.9, 0.2))];
    expect(beside(...others)).toContain(`${said}mmtad k=4 (direct): 1.90 times (1.70 to 2.10).`);
    const worse = rival('mmtad k=8', about(2.3, 0.2), { perplexity: about(7) }); // faster at a price
    expect(beside(worse)).toContain(`${said}mmtad k=8 (direct)`);
  });

  it('is the fastest that writes as well, even where one that does not is faster', () => {
    const worse = rival('mtad k=8', about(3), { perplexity: about(7) });
    const better = rival('mtad k=2', about(2), { perplexity: about(5.5) }); // the intervals touch
    expect(recommend([PLAIN, worse, better])).toMatch(/^Use mtad k=2 \(direct\)/);
  });

  it('is one that writes worse where only such are faster, and says so', () => {
    const worse = rival('mtad k=8', about(3), { perplexity: about(7) });
    const slow = rival('mtad k=2', about(1.2), { perplexity: about(5) });
    const advice = recommend([PLAIN, worse, slow]);
    expect(advice).toMatch(/^Use mtad k=8 \(direct\)/);
    expect(advice).toContain(
      'Its text is less likely: perplexity 7.00 (6.50 to 7.50) against 5.00 (4.50 to 5.50).',
    );
  });

  it('mentions that the text repeats itself, where it does', () => {
    const advice = (distinct2: number) =>
      recommend([PLAIN, rival('mtad k=4', about(2), { distinct: [0.5, distinct2, 1] })]);
    expect(advice(0.7)).toContain('It repeats itself more (distinct-2 0.70 against 0.90).');
    for (const alike of [0.82, 0.9, 0.99]) expect(advice(alike)).not.toContain('repeats');
  });

  it('is plain sampling where nothing is faster beyond doubt', () => {
    const slower = rival('speculative k=4', about(0.9, 0.05));
    const perhaps = rival('mtad k=4', about(1.4));
    expect(recommend([PLAIN, slower, perhaps])).toBe(
      'Use autoregressive (direct): no strategy is faster beyond doubt than its 20.0 (18.0 to 22.0) tokens/s with these models on ' +
        'this machine; the nearest, mtad k=4 (direct), reaches 1.40 times (0.90 to 1.90) its speed. ' +
        'Its perplexity shows no difference: 5.00 (4.50 to 5.50) against 5.00 (4.50 to 5.50).',
    );
  });

  it('names beside it the fastest whose text is distributed as the own one of the target', () => {
    const mtad = rival('mtad k=4', about(2.5), { perplexity: about(4) });
    const exact = [
      rival('speculative k=4', about(1.7, 0.2)),
      rival('block k=4', about(1.8, 0.2)),
      rival('speculative k=8', about(1.9, 1)), // not beyond doubt
    ];
    expect(recommend([PLAIN, mtad, ...exact])).toContain(
      "Where the text must be distributed as the target's own, block k=4 (direct) is 1.80 times (1.60 to 2.00) as fast.",
    );
    expect(recommend([PLAIN, ...exact])).not.toContain('Where the text must be'); // block is recommended
    expect(recommend([PLAIN, mtad, exact[2]!])).not.toContain('Where the text must be');
  });

  it('believes a strategy of a user of its own that its text is distributed as the own one of the target', () => {
    const mtad = rival('mtad k=4', about(2.5), { perplexity: about(4) });
    const own = (isLossless: boolean) =>
      rival('mine k=4', about(1.8, 0.2), { traits: { isLossless, mayRefuse: true, look: null } });
    expect(recommend([PLAIN, mtad, own(true)])).toContain(
      "the target's own, mine k=4 (direct) is 1.80 times",
    );
    expect(recommend([PLAIN, mtad, own(false)])).not.toContain('Where the text must be');
  });

  it('mentions greedy decoding where that writes likelier text without a draft model', () => {
    const mtad = (perplexity: number) => rival('mtad k=4', about(2), { perplexity: about(perplexity) });
    expect(recommend([PLAIN, mtad(4), GREEDY])).toContain(
      'Greedy decoding writes likelier text still: perplexity 2.00 (1.50 to 2.50), at plain speed.',
    );
    expect(recommend([PLAIN, mtad(1.9), GREEDY])).not.toContain('Greedy');
  });

  it('is no baseline and no peer, however fast', () => {
    const others = [
      rival('mtjd k=4', about(5), { role: 'baseline' }),
      rival('DraftSequenceTokenPredictor', about(6), { role: 'peer', engine: 'node-llama-cpp' }),
    ];
    expect(recommend([PLAIN, ...others, rival('mtad k=4', about(2))])).toMatch(/^Use mtad k=4/);
    expect(recommend([PLAIN, ...others])).toMatch(/^No recommendation: no strategy ran/);
  });

  it('mentions a peer that was faster than what it is, and no other', () => {
    const peer = (factor: number) =>
      rival('DraftSequenceTokenPredictor', about(factor), { role: 'peer', engine: 'node-llama-cpp' });
    const slow = rival('evaluate()', about(0.8), { role: 'peer', engine: 'node-llama-cpp' });
    const said = (tokens: string) =>
      `DraftSequenceTokenPredictor (node-llama-cpp) was faster: ${tokens} tokens/s against `;
    expect(recommend([PLAIN, rival('mtad k=4', about(2)), slow, peer(2.5)])).toContain(
      said('50.0 (49.5 to 50.5)'),
    );
    expect(recommend([PLAIN, rival('mtad k=4', about(1.1)), slow, peer(1.5)])).toContain(
      said('30.0 (29.5 to 30.5)'),
    );
    expect(recommend([PLAIN, rival('mtad k=4', about(2)), slow, peer(1.9)])).not.toContain('faster:');
  });

  it('does not judge by quality where that was not measured, and says so of text that may differ', () => {
    const unknown = { perplexity: null, distinct: [null, null, null] };
    const advice = (name: string) => recommend([{ ...PLAIN, ...unknown }, rival(name, about(2), unknown)]);
    expect(advice('mtad k=4')).toMatch(/^Use mtad k=4 .* What its text is worth was not measured\.$/);
    expect(advice('mtad k=4')).not.toMatch(/erplexity|likely|repeats/);
    expect(advice('block k=4')).not.toContain('measured');
  });
});

describe('where two intervals overlap, the recommendation tells no difference', () => {
  const wide = (value: number) => about(value, 2);
  const mtad = rival('mtad k=4', about(2), { perplexity: about(3.1, 1.8) });

  it('of perplexity, and where they do not, says which text is likelier', () => {
    expect(recommend([PLAIN, mtad])).toContain(
      'Its perplexity shows no difference: 3.10 (1.30 to 4.90) against',
    );
    expect(recommend([PLAIN, { ...mtad, perplexity: about(3) }])).toContain(
      'Its text is likelier: perplexity 3.00',
    );
    expect(recommend([PLAIN, mtad, { ...GREEDY, perplexity: wide(2) }])).not.toContain('Greedy');
  });

  it('of the speed of a peer', () => {
    const peer = rival('evaluate()', about(2.1), {
      role: 'peer',
      engine: 'node-llama-cpp',
      tokensPerSecond: wide(42),
    });
    expect(recommend([PLAIN, mtad, peer])).not.toContain('faster:');
  });
});

it('the recommendation names its contender, or none', () => {
  const mtad = rival('mtad k=4', about(2));
  expect(advise([PLAIN, mtad]).contender).toBe(mtad);
  expect(advise([PLAIN, rival('mtad k=4', about(0.5, 0.1))]).contender).toBe(PLAIN);
  expect(advise([PLAIN]).contender).toBeNull();
});

describe('the recommendation on several engines', () => {
  const slow = { engine: 'bindings' };
  const slowPlain = { ...PLAIN, ...slow, tokensPerSecond: about(10) };

  it.each([
    { first: 'the fast one', plains: [PLAIN, slowPlain] },
    { first: 'the slow one', plains: [slowPlain, PLAIN] },
  ])('is about the one where the fastest ran ($first comes first)', ({ plains }) => {
    const there = rival('mtad k=4', about(2.5), {
      ...slow,
      tokensPerSecond: about(25),
    });
    expect(recommend([...plains, there, rival('mtad k=4', about(1.6))])).toMatch(
      /^Use mtad k=4 \(direct\): 1\.60 times /,
    );
    expect(recommend([...plains, there, rival('mtad k=4', about(0.8, 0.1))])).toMatch(
      /^Use mtad k=4 \(bindings\): 2\.50 times /,
    );
  });

  it('is plain sampling on the faster one where that is faster than any strategy', () => {
    const there = rival('mtad k=4', about(1.8, 0.1), {
      ...slow,
      tokensPerSecond: about(18),
    });
    const lame = rival('mtad k=4', about(0.7, 0.1));
    expect(recommend([slowPlain, PLAIN, there, lame])).toMatch(
      /^Use autoregressive \(direct\): .* 20\.0 \(18\.0 to 22\.0\) tokens\/s/,
    );
  });
});

describe('there is no recommendation', () => {
  it('where autoregressive did not run', () => {
    const idle = fakeSummary({ generations: 0, tokensPerSecond: null });
    for (const contenders of [[], [idle], [idle, rival('mtad k=4', about(2))], [rival('mtad k=4', about(2))]])
      expect(recommend(contenders)).toMatch(/^No recommendation: autoregressive did not run/);
  });

  it('where nothing ran beside it', () => {
    const idle = fakeSummary({ name: 'mtad k=4', generations: 0, tokensPerSecond: null });
    for (const contenders of [[PLAIN], [PLAIN, idle], [PLAIN, GREEDY]])
      expect(recommend(contenders)).toMatch(/^No recommendation: no strategy ran/);
  });

  it('from a few prompts', () => {
    const alone = { value: 2.5, low: null, high: null };
    expect(recommend([PLAIN, rival('mtad k=4', alone)])).toBe(
      'No recommendation: fewer than 5 prompts are too few to tell. On them, mtad k=4 (direct) was 2.50 times as fast as ' +
        'autoregressive. Its perplexity shows no difference: 5.00 (4.50 to 5.50) against 5.00 (4.50 to 5.50).',
    );
  });
});
