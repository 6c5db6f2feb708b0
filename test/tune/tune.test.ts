import { availableParallelism } from 'node:os';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readPrompts } from '../../src/benchmark/prompts.js';
import type { ContextOptions, Pass } from '../../src/engine/passes.js';
import type { Model } from '../../src/engine/port.js';
import { generate } from '../../src/generation/generate.js';
import { loadPair, type Pair } from '../../src/models/pair.js';
import { threadCounts } from '../../src/tune/placement.js';
import type { TuneReport } from '../../src/tune/report.js';
import { type TuneEvent, tune } from '../../src/tune/tune.js';
import type { CostCurves } from '../../src/tuning/cost-curves.js';
import { type CostKey, CostMemory } from '../../src/tuning/cost-store.js';
import { type Profile, profileSchema } from '../../src/tuning/profile.js';

/** Of a machine where drafts cost a tenth of the target's passes. */
class Cheap extends CostMemory {
  override async find(): Promise<CostCurves> {
    return {
      target: [
        { rows: 1, ms: 10 },
        { rows: 17, ms: 11 },
      ],
      draft: [{ rows: 1, ms: 1 }],
    };
  }
}

/** The same, where more threads make passes longer. */
class Threaded extends CostMemory {
  override async find({ threads }: CostKey): Promise<CostCurves> {
    const count = Number(threads);
    return {
      target: [
        { rows: 1, ms: 10 * count },
        { rows: 17, ms: 11 * count },
      ],
      draft: [{ rows: 1, ms: 0.01 * count }],
    };
  }
}

/** Milliseconds that each pass of the slow target takes longer, so that drafts are sure to pay. */
const LONGER = 10;

/** The same object with some members in place of its own. */
function withOthers<T extends object>(object: T, others: Partial<T>): T {
  return new Proxy(object, {
    get(target, name) {
      const value = Reflect.get(Object.hasOwn(others, name) ? others : target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

function slow(model: Model): Model {
  const createContext = async (options: ContextOptions) => {
    const context = await model.createContext(options);
    const run = async (pass: Pass) => {
      await setTimeout(LONGER);
      const answer = await context.run(pass);
      return { ...answer, ms: answer.ms + LONGER };
    };
    return withOthers(context, { run });
  };
  return withOthers(model, { createContext });
}

const PROMPTS = 5;
const SETTINGS = { temperature: 1, topK: 10, topP: 0.9, maxTokens: 24, ignoreEos: true, special: false };

let pair: Pair;
let report: TuneReport;
let profile: Profile;
const progress: string[] = [];
beforeAll(async () => {
  pair = await loadPair({ gpu: 'off' });
  for await (const event of tune({ ...pair, target: slow(pair.target) }, await asked(PROMPTS))) {
    if (event.type === 'text') progress.push(`${event.done}/${event.total}`);
    else ({ report, profile } = event);
  }
});
afterAll(() => pair?.dispose());

async function asked(limit: number, signal = new AbortController().signal) {
  return {
    prompts: await readPrompts(undefined, limit),
    raw: false,
    template: {},
    run: { threads: 1, costs: new Cheap() },
    settings: SETTINGS,
    quality: 1,
    isDraftPlaced: false,
    seed: 1,
    signal,
  };
}

describe('tune', () => {
  it('replays many settings and runs the best of two kinds', () => {
    expect(report.candidates.length).toBeGreaterThan(100);
    const speedUps = report.candidates.map(({ speedUp }) => speedUp);
    expect(speedUps).toEqual(speedUps.toSorted((a, b) => b - a)); // the fastest first
    expect(report.tried).toHaveLength(2);
    const [one, other] = report.tried;
    expect(one!.candidate.strategy + one!.candidate.beamWidth).not.toBe(
      other!.candidate.strategy + other!.candidate.beamWidth,
    );
    for (const { foretold, measured } of report.tried)
      for (const figures of [foretold!, measured])
        for (const estimate of Object.values(figures))
          expect(estimate).toEqual({
            value: expect.any(Number),
            low: expect.any(Number),
            high: expect.any(Number),
          });
    expect(progress).toEqual(Array.from({ length: 35 }, (_, i) => `${i + 1}/35`));
  });

  it('knows that the lossless text is as good as plain sampling, and foretells that of the others', () => {
    const exact = report.candidates.filter(({ strategy }) => strategy === 'speculative');
    for (const one of exact) {
      expect(one.isGood).toBe(true);
      expect(one.perplexity).toBeCloseTo(report.plain.perplexity!.value, 9);
    }
    for (const { perplexity, distinct2 } of report.candidates) {
      expect(perplexity).toBeGreaterThan(1.2);
      expect(distinct2).toBeLessThanOrEqual(1);
    }
  });

  it('makes a profile by which a text is written, and held against it', async () => {
    expect(profileSchema.parse(JSON.parse(JSON.stringify(profile)))).toEqual(profile);
    const { settings, draft } = profile.tuned!;
    expect(report.recommended).not.toBeNull();
    expect(settings).toEqual(report.recommended);
    expect(draft!.reference.acceptance).toMatchObject({ texts: PROMPTS });
    const input = { ...SETTINGS, ...settings, seed: 3 };
    for await (const event of generate(pair, 'One day', input, { threads: 1, profile, costs: new Cheap() }))
      if (event.type === 'end') expect(event.result.drift).toEqual({ steps: expect.any(Number), fall: null });
  });

  it('runs the best settings with other sources too, and keeps a profile that holds without them', async () => {
    const chain = { draftFirst: 'lookup', draftFrom: 'model', draftTail: 'lookup' } as const;
    const target = slow(pair.target);
    const events: TuneEvent[] = [];
    for await (const event of tune({ ...pair, target }, { ...(await asked(1)), chain })) events.push(event);
    const end = events.pop()!;
    if (end.type !== 'end') throw new Error('It has no end');
    expect(events.at(-1)).toEqual({ type: 'text', done: 9, total: 9 });
    const { tried } = end.report;
    const chained = tried.filter(({ candidate }) => candidate.draftTail === 'lookup');
    const alone = tried.filter(({ candidate }) => candidate.draftTail === undefined);
    expect([chained.length, alone.length]).toEqual([2, 2]);
    for (const [i, { candidate, foretold, measured }] of chained.entries()) {
      expect({ candidate, foretold }).toEqual({
        candidate: { ...alone[i]!.candidate, ...chain, draftLength: 'auto' },
        foretold: null,
      });
      expect(measured.speedUp!.value).toBeGreaterThan(0);
    }
    expect(Object.keys(end.profile.tuned!.settings)).not.toContain('draftFirst');
  });

  it('finds the threads that suit each model, and keeps them', async () => {
    const most = availableParallelism();
    const run = { costs: new Threaded() };
    const settings = { ...SETTINGS, maxTokens: 6 };
    for await (const event of tune(pair, { ...(await asked(1)), run, settings })) {
      if (event.type !== 'end') continue;
      const { report, profile } = event;
      expect(report.placements.map(({ placement }) => placement)).toEqual(
        most > 1 ? threadCounts(most).map((threads) => ({ threads })) : [],
      );
      expect(report.places).toEqual(
        most > 1
          ? { plain: { threads: 1 }, drafting: { threads: 1, draftThreads: 1 } }
          : { plain: {}, drafting: {} },
      );
      expect(profile.tuned!.placement).toEqual(report.places[report.recommended ? 'drafting' : 'plain']);
    }
    expect.hasAssertions();
  });

  it('ends where it is interrupted', async () => {
    const controller = new AbortController();
    const events = tune(pair, await asked(1, controller.signal));
    await events.next();
    controller.abort();
    await expect(events.next()).rejects.toThrow(expect.objectContaining({ name: 'AbortError' }));
  });

  it('knows what passes cost where prompts leave too little room to keep it for other texts', async () => {
    const [prompt] = await readPrompts(undefined, 1);
    const { length } = pair.target.tokenizer.encode(prompt!.text);
    const run = { threads: 1, contextSize: length + 8 };
    let found: Profile | undefined;
    for await (const event of tune(pair, { ...(await asked(1)), run }))
      if (event.type === 'end') found = event.profile;
    expect(found!.costs.target[0]).toMatchObject({ rows: 1, ms: expect.any(Number) });
  });

  it('wants a draft model', async () => {
    const events = tune({ ...pair, draft: undefined }, await asked(1));
    await expect(events.next()).rejects.toThrow(
      'There is no draft model, so there is nothing to tune: add one with `draft`',
    );
  });
});
