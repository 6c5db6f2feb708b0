import { beforeAll, describe, expect, it } from 'vitest';
import { ratios } from '../../src/generation/counters.js';
import type { SettingsInput } from '../../src/generation/settings.js';
import type { Pair } from '../../src/models/pair.js';
import { replay, replayGrid, reproduces } from '../../src/trace/replay.js';
import { corpusOf } from '../support/corpus-of.js';
import { embeddedPair } from '../support/embedded-pair.js';
import { tries } from '../support/tries.js';
import { PROMPTS, type TracedRun, traced } from './traced-run.js';

const SEEDS = tries(2, 5);

let pair: Pair;
beforeAll(async () => {
  pair = await embeddedPair();
});

/** At the trace's own settings, replay is the run. */
function expectItself({ trace, result }: TracedRun): void {
  expect(reproduces(trace)).toEqual({
    steps: trace.steps.length,
    asRecorded: trace.steps.length,
    differences: [],
  });
  const { counters } = result;
  const { blockEfficiency, acceptanceRate, acceptanceByPosition } = ratios(counters);
  expect(replay(trace)).toEqual({
    ...trace.rule,
    steps: counters.steps,
    drafted: counters.drafted,
    accepted: counters.accepted,
    draftedByPosition: counters.draftedByPosition,
    acceptedByPosition: counters.acceptedByPosition,
    acceptanceRate,
    acceptanceByPosition,
    tokensPerPass: blockEfficiency,
    changedSteps: 0,
  });
}

/** Steps of which the rule would have kept more, had the text not ended. */
function shortened({ trace }: TracedRun): number {
  const uncut = trace.steps.map((step) => ({ ...step, room: Infinity, emitted: [...step.emitted, 0] }));
  return trace.steps.filter((step, i) => replay({ ...trace, steps: [uncut[i]!] }).accepted > step.accepted)
    .length;
}

it.each(['mtad', 'mmtad'] as const)(
  'replay decides as recorded, whatever %s drafts from',
  async (strategy) => {
    const { tokens } = (await traced(pair, { strategy, seed: 8, maxTokens: 60 })).result;
    const own = { ...pair, corpus: corpusOf(tokens) };
    for (const draftFrom of ['model', 'corpus'] as const)
      for (const draftTail of ['none', 'lookup', 'corpus'] as const)
        if (draftFrom !== draftTail)
          expectItself(await traced(own, { strategy, draftFrom, draftTail, seed: 9, maxTokens: 24 }));
  },
);

it('a threshold that moved can be replayed with others, each step has its own', async () => {
  const { trace } = await traced(pair, { strategy: 'mtad', threshold: 'auto', seed: 1, maxTokens: 60 });
  const own = new Set(trace.steps.map(({ threshold }) => threshold));
  expect(own.size).toBeGreaterThan(5);
  const [auto, ...fixed] = replayGrid(trace, { clips: [false] });
  expect(auto).toMatchObject({ threshold: 'auto', changedSteps: 0 });
  expect(fixed.map(({ threshold }) => threshold)).toEqual([0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 1]);
  expect(fixed.some(({ accepted }) => accepted > auto!.accepted)).toBe(true);
  expect(fixed.some(({ accepted }) => accepted < auto!.accepted)).toBe(true);
  const foreign = { ...trace, rule: { ...trace.rule, threshold: 0.5 } };
  expect(() => replay(foreign, { threshold: 'auto' })).toThrow(/whose threshold did not move/);
});

/** Each day one of each rule, drafter and kind of coins. */
const DAILY: readonly SettingsInput[] = [
  { strategy: 'mtad' },
  { strategy: 'mtad', clip: true, temperature: 0, threshold: 0.3 },
  { strategy: 'mtad', draftFrom: 'lookup', threshold: 1e-6 },
  { strategy: 'mmtad' },
  { strategy: 'mtad', threshold: 'auto', quality: 1.2 },
];
const OTHERS: readonly SettingsInput[] = [
  { strategy: 'mtad', clip: true },
  { strategy: 'mtad', temperature: 0, threshold: 0.9 },
  { strategy: 'mmtad', temperature: 0, threshold: 0.9 },
  { strategy: 'mmtad', threshold: 'auto', quality: 0.9 },
  { strategy: 'mmtad', beamWidth: 7, draftLength: 6, threshold: 0.2 },
];

describe.each(tries(DAILY, [...DAILY, ...OTHERS]))('replay at the own settings of %o', (settings) => {
  it('decides every step as recorded', async () => {
    let steps = 0;
    for (let seed = 1; seed <= SEEDS; seed++) {
      const run = await traced(pair, { ...settings, seed, maxTokens: tries(100, 200) }, PROMPTS[seed]);
      expectItself(run);
      steps += run.trace.steps.length;
    }
    expect(steps).toBeGreaterThan(tries(12, 24) * SEEDS);
  });

  it('cuts a block where a stop string, the end token or the token limit did', async () => {
    let [cut, cutByLimit] = [0, 0];
    for (let seed = 1; seed <= SEEDS; seed++) {
      const prompt = PROMPTS[seed]!;
      const { result } = await traced(pair, { ...settings, seed, maxTokens: 60 }, prompt);
      for (const from of [5, 24, 43, 62]) {
        const stop = [result.text.slice(from, from + 3)];
        if (stop[0] === '') continue;
        const run = await traced(pair, { ...settings, seed, maxTokens: 60, stop }, prompt);
        expectItself(run);
        cut += shortened(run);
      }
      const ending = 'And the moral of the story is to be kind.';
      const ended = await traced(pair, { ...settings, seed, maxTokens: 60 }, ending);
      expectItself(ended);
      for (const maxTokens of [1, 2, 3, 6]) {
        const short = await traced(pair, { ...settings, seed, maxTokens, ignoreEos: true }, prompt);
        expectItself(short);
        cutByLimit += shortened(short);
      }
    }
    expect(cut).toBeGreaterThan(0);
    expect(cutByLimit).toBeGreaterThan(0);
  });
});
