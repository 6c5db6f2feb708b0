import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Context, Pass } from '../../src/engine/passes.js';
import type { EngineName, Model } from '../../src/engine/port.js';
import { CacheError } from '../../src/errors.js';
import type { GenerationEvent } from '../../src/generation/events.js';
import { generate, Series } from '../../src/generation/generate.js';
import type { RunOptions } from '../../src/generation/run-options.js';
import type { SettingsInput } from '../../src/generation/settings.js';
import { loadPair, type Pair } from '../../src/models/pair.js';
import { HYBRID } from '../support/hybrid.js';
import { firstOf } from '../support/tries.js';

const PROMPT = 'Once upon a time, there was a little girl named Lily. She';
const NOISE = 0.1;

async function checked(pair: Pair, settings: SettingsInput, run: RunOptions = {}, prompt = PROMPT) {
  const input = { maxTokens: 24, seed: 1, ignoreEos: true, ...settings };
  return endOf(generate(pair, prompt, input, { threads: 1, verifyCache: 1, ...run }));
}

async function endOf(events: AsyncIterable<GenerationEvent>) {
  for await (const event of events) if (event.type === 'end') return event.result;
  throw new Error('no end');
}

const DRAFTING: readonly SettingsInput[] = [
  { strategy: 'mtad', draftLength: 5 },
  { strategy: 'mmtad', draftLength: 3 },
  { strategy: 'speculative', draftLength: 4 },
  { strategy: 'block', draftLength: 4 },
  { strategy: 'mtad', draftFrom: 'lookup', draftLength: 6 },
  { strategy: 'mtad', draftTail: 'lookup', draftLength: 8 },
  { strategy: 'mtad', threshold: 0.05, draftLength: 'auto' },
  { strategy: 'mtjd', draftLength: 2, beamWidth: 3 },
  { strategy: 'autoregressive' },
  { strategy: 'mtad', draftLength: 3, ignoreEos: false, grammar: { gbnf: 'root ::= [a-z ]+ "."' } },
];

describe.each<EngineName>(['direct', 'bindings'])('verifyCache on the engine %s', (engine) => {
  let pair: Pair;
  beforeAll(async () => {
    pair = await loadPair({ engine, gpu: 'off' });
  });
  afterAll(() => pair?.dispose());

  // What a strategy leaves in the caches it leaves on either engine.
  it.each(engine === 'direct' ? DRAFTING : firstOf(2, DRAFTING))(
    'finds the text in the caches of %j',
    async (settings) => {
      const { counters, cacheCheck } = await checked(pair, settings);
      expect(cacheCheck!.rows).toBeGreaterThanOrEqual(counters.targetPasses);
      expect(cacheCheck!.worst).toBeLessThan(NOISE);
    },
  );

  it('looks at every n-th pass, and changes no text', async () => {
    const settings = { strategy: 'speculative', draftLength: 3 } as const;
    const [all, some, none] = [
      await checked(pair, settings),
      await checked(pair, settings, { verifyCache: 5 }),
      await checked(pair, settings, { verifyCache: undefined }),
    ];
    expect(some.cacheCheck!.rows).toBeGreaterThan(0);
    expect(some.cacheCheck!.rows).toBeLessThan(all.cacheCheck!.rows / 3);
    expect(none.cacheCheck).toBeNull();
    expect([all.tokens, some.tokens]).toEqual([none.tokens, none.tokens]);
    expect(all.counters.rawLogProbSum).toBe(none.counters.rawLogProbSum);
    expect(none.counters.ms.wait).toBeLessThan(1);
    expect(all.counters.ms.wait).toBeGreaterThan(all.counters.ms.own); // its time is nobody's
  });

  it('reads a long text in several passes', async () => {
    const prompt = PROMPT.repeat(Math.ceil(300 / 14));
    const { cacheCheck } = await checked(
      pair,
      { strategy: 'mtad', draftLength: 3, maxTokens: 6 },
      {},
      prompt,
    );
    expect(cacheCheck!.rows).toBeGreaterThan(2);
    expect(cacheCheck!.worst).toBeLessThan(NOISE);
  });

  it('tells nothing of rows of one token', async () => {
    const { cacheCheck } = await checked(pair, { strategy: 'autoregressive', topK: 1, ignoreEos: false });
    expect(cacheCheck).toEqual({ rows: 0, worst: 0 }); // one logit is no more than a constant away
  });

  it('uses caches no more that do not hold the text', async () => {
    const settings = { strategy: 'autoregressive', maxTokens: 12, seed: 1, ignoreEos: true } as const;
    const series = new Series(
      { ...pair, target: withWrongToken(pair.target, 7) },
      { threads: 1, verifyCache: 1 },
    );
    const fresh = await checked(pair, settings, { verifyCache: undefined });
    try {
      await expect(endOf(series.write(PROMPT, settings))).rejects.toThrow(CacheError);
      expect((await endOf(series.write(PROMPT, settings))).tokens).toEqual(fresh.tokens);
    } finally {
      await series.dispose();
    }
  });

  it.each([
    ['target model', 'target'],
    ['draft model', 'draft'],
  ] as const)('ends the text where the cache of the %s does not hold it', async (name, role) => {
    const broken = { ...pair, [role]: withWrongToken(pair[role]!, 7) };
    const settings = { strategy: 'mtad', draftLength: 3 } as const;
    const error = await checked(broken, settings).catch((cause) => cause);
    expect(error).toBeInstanceOf(CacheError);
    expect(error.message).toMatch(
      new RegExp(
        `^The KV cache of the ${name} does not hold the text: in pass \\d+, behind \\d+ tokens of text.* please report this$`,
      ),
    );
  });
});

describe('verifyCache with a hybrid target', () => {
  it('finds the text in the states of its layers', async () => {
    const pair = await loadPair({ model: HYBRID, engine: 'direct', gpu: 'off' });
    try {
      for (const strategy of ['mtad', 'speculative'] as const) {
        const { cacheCheck } = await checked(pair, { strategy, draftFrom: 'mtp', draftLength: 4 });
        expect(cacheCheck!.rows).toBeGreaterThan(5);
        expect(cacheCheck!.worst).toBeLessThan(NOISE);
      }
    } finally {
      await pair.dispose();
    }
  });
});

/** A model whose first context takes one token for another, so many passes after it was opened. */
function withWrongToken(model: Model, pass: number): Model {
  let isFirst = true;
  const createContext: Model['createContext'] = async (options) => {
    const context = await model.createContext(options);
    if (!isFirst) return context;
    isFirst = false;
    let passes = 0;
    const run = (asked: Pass) => {
      passes += 1;
      if (passes !== pass || asked.batch.length === 0) return context.run(asked);
      const [first, ...others] = asked.batch;
      return context.run({ ...asked, batch: [{ ...first!, token: (first!.token + 500) % 2000 }, ...others] });
    };
    return new Proxy(context, {
      get: (of, name) => {
        const value = name === 'run' ? run : Reflect.get(of, name, of);
        return typeof value === 'function' && name !== 'run' ? value.bind(of) : value;
      },
    }) as Context;
  };
  return new Proxy(model, {
    get: (of, name) => {
      if (name === 'createContext') return createContext;
      const value = Reflect.get(of, name, of);
      return typeof value === 'function' ? value.bind(of) : value;
    },
  });
}
