import { describe, expect, it } from 'vitest';
import { PassCosts } from '../../src/benchmark/costs.js';
import type { Course, EngineCosts } from '../../src/benchmark/run.js';
import { passCosts } from '../../src/benchmark/run.js';
import { fakeClock } from '../support/fake-clock.js';
import { FakeContext } from '../support/fake-context.js';
import { type Call, fakeCourse, fakeWriters, runToEnd } from '../support/fake-course.js';
import { TARGET } from '../support/fake-model.js';

const SIZES = [
  { writers: 1, prompts: 1, repetitions: 1 },
  { writers: 3, prompts: 2, repetitions: 1 },
  { writers: 3, prompts: 3, repetitions: 2 },
  { writers: 4, prompts: 1, repetitions: 5 },
  { writers: 2, prompts: 5, repetitions: 3 },
];

describe.each(SIZES)('a run of $writers writers, $prompts prompts, $repetitions times', (size) => {
  const names = ['a', 'b', 'c', 'd'].slice(0, size.writers);
  const rounds = size.prompts * size.repetitions;
  const runIt = async (rest: Partial<Course> = {}) => {
    const { writers, calls } = fakeWriters(names);
    const { repetitions } = size;
    const course = fakeCourse(writers, size.prompts, { repetitions, ...rest });
    const { events, generations } = await runToEnd(course);
    return { events, generations, warmUps: calls.slice(0, names.length), calls: calls.slice(names.length) };
  };

  it('has every writer on every prompt in every repetition, once', async () => {
    const { generations } = await runIt();
    const met = generations.map((one) => `${one.contender} ${one.prompt} ${one.repetition}`);
    expect(met).toHaveLength(names.length * rounds);
    expect(new Set(met).size).toBe(met.length);
    for (const { prompt, repetition } of generations) {
      expect(prompt).toMatch(/^p\d$/);
      expect(repetition).toBeLessThan(size.repetitions);
    }
  });

  it('has all of them take turns on a prompt before the next one, with the same seed', async () => {
    const { generations, calls } = await runIt();
    const seeds = new Set<number>();
    for (let round = 0; round < rounds; round++) {
      const own = generations.slice(round * names.length, (round + 1) * names.length);
      const place = { prompt: `p${round % size.prompts}`, repetition: Math.floor(round / size.prompts) };
      for (const one of own) expect(one).toMatchObject({ ...place, seed: own[0]!.seed });
      seeds.add(own[0]!.seed);
    }
    expect(seeds.size).toBe(rounds);
    expect(calls.map(({ seed }) => seed)).toEqual(generations.map(({ seed }) => seed));
  });

  it('has each of them in each place of the order, in turn', async () => {
    const { calls } = await runIt();
    for (let round = 0; round < rounds; round++) {
      const order = calls.slice(round * names.length, (round + 1) * names.length).map(({ writer }) => writer);
      const at = round % names.length;
      expect(order).toEqual([...names.slice(at), ...names.slice(0, at)]);
    }
  });

  it('warms up each of them first, on a few tokens that do not count', async () => {
    const { events, warmUps } = await runIt();
    expect(warmUps.map(({ writer }) => writer)).toEqual(names);
    for (const { maxTokens } of warmUps) expect(maxTokens).toBe(8);
    const { warmUps: longer } = await runIt({ onGpu: true, maxTokens: 100 }); // its kernels are compiled when first used
    for (const { maxTokens } of longer) expect(maxTokens).toBe(64);
    expect(events.slice(0, names.length)).toEqual(names.map((contender) => ({ type: 'warm-up', contender })));
    expect(events.slice(names.length).every(({ type }) => type === 'generation')).toBe(true);
  });
});

describe('a run', () => {
  it('asks for what the benchmark is about, and hands on what was written', async () => {
    const { writers, calls } = fakeWriters(['mtad k=4@bindings'], () => ({ tokens: [7, 8], joules: 3 }));
    const course = fakeCourse(writers, 1, {
      maxTokens: 5,
      contextSize: 20,
      seed: 2 ** 32 - 1,
      repetitions: 2,
    });
    const { generations } = await runToEnd(course);
    for (const { contextSize, maxTokens, prompt } of calls)
      expect({ contextSize, maxTokens, prompt }).toEqual({
        contextSize: 20,
        maxTokens: 5, // no more than that to warm up
        prompt: course.prompts[0],
      });
    expect(generations.map(({ seed }) => seed)).toEqual([2 ** 32 - 1, 0]); // seeds have 32 bits
    expect(generations[0]).toMatchObject({
      contender: 'mtad k=4',
      engine: 'bindings',
      prompt: 'p0',
      promptTokens: 3,
      tokens: [7, 8],
      joules: 3,
      logProbSum: null,
    });
  });

  it('scores each text after its prompt', async () => {
    const { writers } = fakeWriters(['a', 'b'], ({ writer }) => ({ tokens: writer === 'a' ? [2] : [3, 4] }));
    const { generations } = await runToEnd(
      fakeCourse(writers, 2, {
        score: async (prompt, emitted) => -(prompt[1]! * 10 + emitted.reduce((sum, token) => sum + token, 0)),
      }),
    );
    expect(generations.map(({ contender, prompt, logProbSum }) => [contender, prompt, logProbSum])).toEqual([
      ['a', 'p0', -2],
      ['b', 'p0', -7],
      ['b', 'p1', -17],
      ['a', 'p1', -12],
    ]);
  });
});

describe('a run that is interrupted', () => {
  const names = ['a', 'b', 'c'];

  it.each([1, 2, 4, 9])(
    'while text %d is written keeps those before it, and asks nobody else',
    async (nth) => {
      const controller = new AbortController();
      const { writers, calls } = fakeWriters(names, (_, i) => {
        if (i !== names.length + nth - 1) return {};
        controller.abort();
        return { finishReason: 'interrupted' };
      });
      const course = fakeCourse(writers, 3, { signal: controller.signal });
      const { generations, failure } = await runToEnd(course);
      expect(failure).toBeUndefined();
      expect(generations).toHaveLength(nth - 1);
      expect(calls).toHaveLength(names.length + nth);
    },
  );

  it('while somebody warms up has no text', async () => {
    const controller = new AbortController();
    const { writers, calls } = fakeWriters(names, (_, i) => {
      if (i === 1) controller.abort();
      return {};
    });
    const { generations, events } = await runToEnd(fakeCourse(writers, 3, { signal: controller.signal }));
    expect(generations).toEqual([]);
    expect(calls).toHaveLength(2);
    expect(events).toHaveLength(2);
  });

  it('between two texts keeps the first', async () => {
    const controller = new AbortController();
    const { writers } = fakeWriters(names);
    const { generations } = await runToEnd(
      fakeCourse(writers, 3, { signal: controller.signal }),
      ({ type }) => type === 'generation' && controller.abort(),
    );
    expect(generations.map(({ contender }) => contender)).toEqual(['a']);
  });
});

describe('a run in which a writer fails', () => {
  it.each([0, 3, 5])('in call %d fails too, after what was finished', async (nth) => {
    const failure = new Error('No memory');
    const { writers, calls } = fakeWriters(['a', 'b'], (_, i) => {
      if (i === nth) throw failure;
      return {};
    });
    const run = await runToEnd(fakeCourse(writers, 3));
    expect(run.failure).toBe(failure);
    expect(run.generations).toHaveLength(Math.max(0, nth - 2));
    expect(calls).toHaveLength(nth + 1);
  });
});

describe('the costs of passes', () => {
  const costsOf = (engine: string, hasDraft = true): EngineCosts => {
    const cost = () => new PassCosts(new FakeContext(TARGET, { capacity: 40, now: fakeClock() }));
    return { engine, target: cost(), draft: hasDraft ? cost() : undefined };
  };
  const sizesOf = (costs: readonly EngineCosts[]) =>
    passCosts(costs).map(({ engine, model, tokens }) => `${engine} ${model} ${tokens}`);

  it('are measured for every size that was seen on that engine, and for one token of the target', async () => {
    const passes = ({ writer }: Call) =>
      writer === 'a@direct'
        ? {
            passes: {
              target: [[5, 3]] as const,
              draft: [
                [1, 12],
                [2, 1],
              ] as const,
            },
          }
        : writer === 'b@bindings'
          ? { passes: { target: [[7, 1]] as const, draft: [] } }
          : { passes: null };
    const { writers } = fakeWriters(['a@direct', 'b@bindings', 'c@peer'], passes);
    const costs = [costsOf('direct'), costsOf('bindings', false)];
    await runToEnd(fakeCourse(writers, 2, { costs }));
    expect(sizesOf(costs)).toEqual([
      'direct target 1',
      'direct target 5',
      'direct draft 1',
      'direct draft 2',
      'bindings target 1',
      'bindings target 7',
    ]);
  });

  it('are none of a round that was interrupted when all had written', async () => {
    const controller = new AbortController();
    const { writers } = fakeWriters(['a', 'b']);
    const costs = [costsOf('direct')];
    const course = fakeCourse(writers, 2, { costs, signal: controller.signal });
    const { generations } = await runToEnd(
      course,
      (event) => event.type === 'generation' && event.generation.contender === 'b' && controller.abort(),
    );
    expect(generations).toHaveLength(2);
    expect(sizesOf(costs)).toEqual([]);
  });

  it('are none of a round that was not finished', async () => {
    const { writers } = fakeWriters(['a', 'b'], (_, i) => {
      if (i === 3) throw new Error('No memory');
      return {};
    });
    const costs = [costsOf('direct')];
    await runToEnd(fakeCourse(writers, 2, { costs }));
    expect(sizesOf(costs)).toEqual([]);
  });
});
