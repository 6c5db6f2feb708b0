import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nameOf } from '../../src/benchmark/contenders.js';
import { Passages } from '../../src/drafting/passages.js';
import {
  type BenchmarkReport,
  benchmark,
  chainDrafter,
  choose,
  expand,
  generate,
  likelihoodTruncation,
  loadPair,
  logProbOf,
  nextTokens,
  type Pair,
  parseSettings,
  type Settings,
  type SettingsInput,
  type StrategyDefinition,
} from '../../src/index.js';
import { openSession } from '../support/open-session.js';

/** Each guess that is at least tau times as likely to the target as to the draft model, until one is not. */
const single: StrategyDefinition<'draftLength' | 'threshold'> = {
  name: 'single',
  help: 'each single p/q',
  heeds: ['draftLength', 'threshold'],
  isLossless: false,
  drafts: 'chain',
  mayRefuse: true,
  sequences: () => ({ target: 1, draft: 1 }),
  create({ threshold, draftLength: _most, ...others }, { sampling, length, isEnd, draft }) {
    told.push(others);
    const truncation = likelihoodTruncation(sampling);
    return {
      truncation,
      draft: chainDrafter(nextTokens(draft, truncation), { length, isEnd }),
      accept(guesses, p, rng) {
        const fails = guesses.findIndex(
          ({ token, q }, i) => logProbOf(p[i]!, token) - logProbOf(q, token) < Math.log(threshold),
        );
        const accepted = [...guesses.keys()].slice(0, fails === -1 ? guesses.length : fails);
        return { accepted, next: choose(p[accepted.length]!, sampling, rng) };
      },
    };
  },
};
const told: object[] = []; // settings that it does not heed

describe("a user's own strategy", () => {
  let pair: Pair;
  beforeAll(async () => {
    pair = await loadPair({ gpu: 'off' });
  });
  afterAll(() => pair.dispose());

  const written = async (input: SettingsInput) => {
    const settings = { strategy: single, draftLength: 4, maxTokens: 48, seed: 1, ...input };
    for await (const event of generate(pair, 'Once upon a time', settings))
      if (event.type === 'end') return event.result;
    throw new Error('no end');
  };

  it('writes with generate, heeds the settings that it names and is given no others', async () => {
    const [lax, strict] = [await written({ threshold: 0.01 }), await written({ threshold: 1 })];
    expect(lax.tokens).toHaveLength(48);
    expect(lax.counters.accepted / lax.counters.drafted).toBeGreaterThan(
      strict.counters.accepted / strict.counters.drafted,
    );
    expect(lax.counters.draftedByPosition).toHaveLength(4);
    expect((await written({ draftLength: 2 })).counters.draftedByPosition).toHaveLength(2);
    for (const others of told) expect(others).toEqual({});
  });

  it('stands beside the others in a benchmark, expanded over what it heeds', async () => {
    const entries = expand({
      strategies: ['autoregressive', single],
      draftLength: [2],
      beamWidth: [1, 2],
      threshold: [0.1, 0.5],
      clip: [false, true],
      drafts: [{ draftFrom: 'model', draftTail: 'none' }],
      baselines: false,
    });
    const names = ['autoregressive', 'single k=2 tau=0.1', 'single k=2 tau=0.5'];
    expect(entries.map(nameOf)).toEqual(names);
    const { temperature, topK, topP, ignoreEos, special }: Settings = parseSettings({});
    let report: BenchmarkReport | undefined;
    for await (const event of benchmark({
      entries,
      peers: false,
      engines: ['auto'],
      promptSource: 'test',
      prompts: [{ id: 'a', text: 'Once upon a time' }],
      raw: true,
      template: {},
      pair: { gpu: 'off' },
      run: {},
      settings: { temperature, topK, topP, ignoreEos, special, maxTokens: 8 },
      repetitions: 1,
      seed: 1,
      perplexity: false,
      signal: new AbortController().signal,
    }))
      if (event.type === 'end') report = event.report;
    expect(report!.contenders.map(({ name }) => name)).toEqual(names);
    for (const { tokens, acceptanceRate, traits } of report!.contenders.slice(1)) {
      expect(traits).toEqual({ isLossless: false, mayRefuse: true, look: null });
      expect(tokens).toBe(8);
      expect(acceptanceRate).toBeGreaterThanOrEqual(0);
    }
  });

  it('is given what a lookup knows of the texts before, from text to text of a session', async () => {
    const given: unknown[] = [];
    const watching = {
      ...single,
      create: (...all: Parameters<typeof single.create>) => {
        given.push(all[1].passages);
        return single.create(...all);
      },
    };
    const { session, dispose } = await openSession(pair, { strategy: watching, maxTokens: 2 });
    for (const prompt of [
      [5, 6, 7],
      [5, 6, 7, 8],
    ])
      for await (const _ of session.write(prompt));
    await dispose();
    expect(given[0]).toBeInstanceOf(Passages);
    expect(given[1]).toBe(given[0]);
  });

  it.each<[string, object]>([
    ['no name', { ...single, name: undefined }],
    ['a name of two words', { ...single, name: 'my own' }],
    ['the name of another', { ...single, name: 'mtad' }],
    ['no create', { ...single, create: undefined }],
    ['no list of settings', { ...single, heeds: 'threshold' }],
    ['a setting that there is not', { ...single, heeds: ['temprature'] }],
  ])('is refused with %s, and told what it lacks', (_, strategy) => {
    expect(() => parseSettings({ strategy } as SettingsInput)).toThrow(
      /^`strategy` must be .*an object with a name of its own, heeds \(any of .*\), sequences and create/,
    );
  });

  it('is refused what it does not heed, as the others are', () => {
    expect(() => parseSettings({ strategy: single, clip: true })).toThrow(/clip.*single has another/);
    const tree = { ...single, drafts: 'tree' as const };
    expect(() => parseSettings({ strategy: tree, draftFrom: 'lookup' })).toThrow(/single judges several/);
    expect(() => parseSettings({ strategy: single, draftFirst: 'lookup' })).toThrow(
      /^The strategy single does not heed `draftFirst`/,
    );
  });
});

it('has an example that runs', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, ['examples/own-strategy.mjs']);
  expect(stdout).toMatch(/^, there .*\n\[single: \d+ of \d+ drafted tokens accepted\]\n$/s);
});
