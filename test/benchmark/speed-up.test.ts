import { describe, expect, it } from 'vitest';
import type { Contender, Generation } from '../../src/benchmark/report.js';
import { summarise } from '../../src/benchmark/summary.js';
import { contenderOf, timed } from '../support/fake-generation.js';

/** 'mtad k=4@bindings'; without an engine, the direct one. */
function contender(text: string): Contender {
  const [name, engine = 'direct'] = text.split('@') as [string, string?];
  return contenderOf(name, { engine, role: engine === 'node-llama-cpp' ? 'peer' : 'strategy' });
}

/** One text of four tokens in `ms`, or as many as there are numbers, each after another prompt. */
const texts = (who: string, ...ms: number[]): Generation[] =>
  ms.map((decode, i) => {
    const { name, engine } = contender(who);
    return timed(4, decode, { contender: name, engine, prompt: `p${i}` });
  });

/** Summaries by what they were called. */
function speedUps(who: readonly string[], generations: readonly Generation[]) {
  const summaries = summarise(who.map(contender), generations, [], null);
  return Object.fromEntries(summaries.map(({ speedUp }, i) => [who[i]!, speedUp]));
}

describe('the speed-up', () => {
  it('is the ratio of the times per token', () => {
    const { mtad } = speedUps(
      ['autoregressive', 'mtad'],
      [
        timed(10, 1000, { prompt: 'a' }),
        timed(30, 5000, { prompt: 'b' }), // 150 ms per token
        timed(20, 1000, { prompt: 'a', contender: 'mtad' }),
        timed(5, 250, { prompt: 'b', contender: 'mtad' }), // 50 ms per token
      ],
    );
    expect(mtad!.autoregressive!.value).toBeCloseTo(3, 10);
  });

  it('pairs texts by prompt and repetition, and leaves out those that only one has written', () => {
    const who = { contender: 'mtad' };
    const paired = [
      timed(4, 100, { prompt: 'a', repetition: 0 }),
      timed(4, 200, { prompt: 'a', repetition: 1 }),
      timed(4, 50, { prompt: 'a', repetition: 0, ...who }),
      timed(4, 100, { prompt: 'a', repetition: 1, ...who }),
    ];
    const unpaired = [
      timed(4, 7000, { prompt: 'b', repetition: 0 }),
      timed(4, 9, { prompt: 'b', repetition: 1, ...who }),
      timed(4, 3, { prompt: 'c', ...who }),
    ];
    const order = ['mtad', 'autoregressive'];
    const expected = { value: 2, low: null, high: null }; // one prompt tells nothing of others
    expect(speedUps(order, paired).mtad!.autoregressive).toEqual(expected);
    expect(speedUps(order, [...unpaired, ...paired.toReversed()]).mtad!.autoregressive).toEqual(expected);
    expect(speedUps(order, unpaired).mtad!.autoregressive).toBeNull();
  });

  it('is no surer for writing the same again', () => {
    const once = [...texts('autoregressive', 100, 130, 90, 110, 170), ...texts('mtad', 60, 50, 40, 70, 80)];
    const again = once.flatMap((one) => [0, 1, 2].map((repetition) => ({ ...one, repetition })));
    const who = ['autoregressive', 'mtad'];
    const expected = speedUps(who, once).mtad!.autoregressive!;
    expect(expected.low).toBeGreaterThanOrEqual(110 / 70); // the least of a single prompt
    expect(expected.high).toBeLessThanOrEqual(130 / 50);
    const { value, low, high } = speedUps(who, again).mtad!.autoregressive!;
    expect(value).toBeCloseTo(expected.value, 10);
    expect(low).toBeCloseTo(expected.low!, 10);
    expect(high).toBeCloseTo(expected.high!, 10);
    expect(high! - low!).toBeGreaterThan(0.1);
  });

  it('is over nobody where there is nobody, and not over oneself', () => {
    expect(speedUps(['mtad'], texts('mtad', 10)).mtad).toEqual({
      autoregressive: null,
      speculative: null,
      predictor: null,
    });
    const who = ['autoregressive', 'speculative k=4', 'DraftSequenceTokenPredictor@node-llama-cpp'];
    const own = speedUps(
      who,
      who.flatMap((one) => texts(one, 10)),
    );
    expect(own[who[0]!]!.autoregressive).toBeNull();
    expect(own[who[1]!]!.speculative).toBeNull();
    expect(own[who[2]!]!.predictor).toBeNull();
    expect(own[who[2]!]!.speculative!.value).toBe(1);
  });

  it('is over those on the same engine, and elsewhere only where they did not run there', () => {
    const who = [
      'autoregressive@direct',
      'speculative k=4@direct',
      'mtad k=4@direct',
      'autoregressive@bindings',
      'mtad k=4@bindings',
      'evaluate()@node-llama-cpp',
      'DraftSequenceTokenPredictor@node-llama-cpp',
    ];
    const ms = [100, 50, 25, 160, 80, 125, 200];
    const found = speedUps(
      who,
      who.flatMap((one, i) => texts(one, ms[i]!)),
    );
    const values = who.map((one) =>
      (['autoregressive', 'speculative', 'predictor'] as const).map((key) => found[one]![key]?.value ?? null),
    );
    expect(values).toEqual([
      [null, 0.5, 2],
      [2, null, 4],
      [4, 2, 8],
      [null, 50 / 160, 200 / 160],
      [2, 50 / 80, 200 / 80],
      [100 / 125, 50 / 125, 200 / 125],
      [0.5, 0.25, null],
    ]);
  });

  it('is over speculative sampling of the same draft length, or else the first', () => {
    const who = [
      'speculative k=2',
      'speculative k=8',
      'mtad k=8 w=4',
      'mtad k=2 w=4',
      'mtad k=5 w=4',
      'greedy',
    ];
    const ms = [100, 300, 10, 10, 10, 10];
    const found = speedUps(
      who,
      who.flatMap((one, i) => texts(one, ms[i]!)),
    );
    expect(who.slice(2).map((one) => found[one]!.speculative!.value)).toEqual([30, 10, 10, 10]);
    expect(found['speculative k=8']!.speculative).toBeNull(); // not over another draft length
  });
});
