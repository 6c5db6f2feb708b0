import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decode, type Step } from '../../src/decoding/loop.js';
import { openCache } from '../../src/decoding/open-cache.js';
import { createRng } from '../../src/math/rng.js';
import { loadPair, type Pair } from '../../src/models/pair.js';
import { EMBEDDED_PAIR } from '../../src/models/resolve.js';
import { createStrategy, type StrategyOptions, sequencesOf } from '../../src/strategies/index.js';
import { embeddedPair } from '../support/embedded-pair.js';
import { PROMPT } from './generate-run.js';

const AUTOREGRESSIVE: StrategyOptions = { strategy: 'autoregressive' };
const SPECULATIVE: StrategyOptions = { strategy: 'speculative', draftLength: 4, draftFrom: 'model' };
const BLOCK: StrategyOptions = { strategy: 'block', draftLength: 4, draftFrom: 'model' };
const MTAD: StrategyOptions = {
  strategy: 'mtad',
  draftLength: 4,
  beamWidth: 4,
  threshold: 0.5,
  clip: false,
  draftFrom: 'model',
};

let pair: Pair;
let twins: Pair;
beforeAll(async () => {
  pair = await embeddedPair();
  twins = await loadPair({ gpu: 'off', model: EMBEDDED_PAIR.model, draft: EMBEDDED_PAIR.model });
});
afterAll(async () => {
  await twins.dispose();
});

/** Writes 60 tokens, twelve blocks of five at most, and counts the tokens that each model evaluated. */
async function work(models: Pair, options: StrategyOptions, temperature: number) {
  const prompt = models.target.tokenizer.encode(PROMPT);
  const prefix = [...prompt];
  const sequences = sequencesOf(options);
  const cache = await openCache(models, {
    capacity: 128,
    targetSequences: sequences.target,
    draftSequences: sequences.draft,
    draftLength: 4,
    threads: 1,
  });
  try {
    for await (const _ of cache.prefill(prefix));
    const sampling = { temperature, topK: 10, topP: 1 };
    const { target, draft } = cache;
    const strategy = createStrategy(options, { sampling, isEnd: () => false, target, draft });
    const steps: Step[] = [];
    const settings = { maxTokens: 60, rng: createRng(41), rawLogProbs: false, now: () => 0 };
    for await (const step of decode(strategy, cache, prefix, { ...settings, endsWith: () => undefined }))
      steps.push(step);
    const count = (of: (step: Step) => number) => steps.reduce((sum, step) => sum + of(step), 0);
    return {
      prompt: prompt.length,
      emitted: prefix.length - prompt.length,
      drafted: count(({ draft }) => draft.length),
      accepted: count(({ accepted }) => accepted),
      steps: steps.length,
      target,
      draft,
    };
  } finally {
    await cache.dispose();
  }
}

/*
 * The prompt but its last token is evaluated at first. A step then evaluates the last committed token and the d drafted
 * ones, 1 + d. So each committed token but the last is evaluated once, and each refused one once, in vain, as are those
 * that the last step accepts beyond the token limit.
 */
describe.each([AUTOREGRESSIVE, SPECULATIVE, BLOCK, MTAD])('with $strategy the target', (options) => {
  it.each([0, 1])('evaluates no token twice, at temperature %d', async (temperature) => {
    const { prompt, emitted, drafted, accepted, steps, target } = await work(pair, options, temperature);
    expect(emitted).toBe(60);
    expect(target.work.tokens).toBe(prompt - 1 + steps + drafted);
    expect(target.work.passes).toBe(1 + steps); // the prompt is shorter than a batch
    expect(target.held[0]!.shared).toBe(prompt + emitted - 1);
    if (options.strategy !== 'autoregressive') expect(drafted).toBeGreaterThan(accepted);
  });
});

describe.each([SPECULATIVE, BLOCK, MTAD])(
  'with $strategy and a draft model that is the target',
  (options) => {
    it('all drafted tokens are accepted, and the target evaluates nothing in vain', async () => {
      const { prompt, emitted, drafted, accepted, steps, target } = await work(twins, options, 0);
      expect(accepted).toBe(drafted);
      expect(steps).toBe(12); // of 4 + 1
      expect(target.work.tokens).toBe(prompt + emitted - 1);
    });
  },
);

describe('with speculative the draft model', () => {
  it('evaluates no token twice: what it evaluated it still holds, or it was refused', async () => {
    const { draft, drafted, accepted, steps } = await work(pair, SPECULATIVE, 1);
    // The last token of a draft is not evaluated while drafting, so that at most drafted - accepted are thrown away.
    const thrownAway = draft!.work.tokens - draft!.held[0]!.shared;
    expect(thrownAway).toBeGreaterThan(0);
    expect(thrownAway).toBeLessThanOrEqual(drafted - accepted);
    expect(thrownAway).toBeGreaterThanOrEqual(drafted - accepted - steps);
  });

  it('evaluates nothing in vain when it is the target', async () => {
    const { draft } = await work(twins, SPECULATIVE, 0);
    expect(draft!.work.tokens).toBe(draft!.held[0]!.shared);
  });
});
