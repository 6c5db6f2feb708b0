import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { Scorer } from '../../src/benchmark/scorer.js';
import type { SettingsInput } from '../../src/generation/settings.js';
import { rawLogProb } from '../../src/math/raw-log-prob.js';
import type { Pair } from '../../src/models/pair.js';
import { STRATEGY_NAMES } from '../../src/strategies/index.js';
import type { TokenId } from '../../src/types.js';
import { run } from '../generation/generate-run.js';
import { embeddedPair } from '../support/embedded-pair.js';
import { FakeContext } from '../support/fake-context.js';
import { readLogits, TARGET } from '../support/fake-model.js';

const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);

/** The same, token by token. */
const scoreByHand = (prompt: readonly TokenId[], emitted: readonly TokenId[]) =>
  sum(
    emitted.map((token, i) => {
      const row = readLogits(TARGET, [...prompt, ...emitted.slice(0, i)], { top: 0, logSumExp: true });
      return rawLogProb(row, token)!;
    }),
  );

describe('the score of a text', () => {
  const context = new FakeContext(TARGET, { capacity: 16, batchSize: 4 });
  const scorer = new Scorer(context, 0);

  // Prompts and texts whose border lies before, on, and after that of a batch of 4.
  const lengths = [1, 2, 3, 4, 5, 8, 9].flatMap((prompt) => [0, 1, 2, 4, 7].map((text) => [prompt, text]));
  it.each(lengths)('of %d tokens of prompt and %d of text is the sum over the text', async (prompt, text) => {
    const tokens = [0, 3, 1, 4, 2, 2, 0, 1, 3, 3, 4, 0, 1, 2, 0, 4];
    const [before, after] = [tokens.slice(0, prompt), tokens.slice(prompt!, prompt! + text!)];
    expect(await scorer.score(before, after)).toBeCloseTo(scoreByHand(before, after), 10);
  });

  it('evaluates no token twice, and not the last one', async () => {
    const before = context.evaluated;
    await scorer.score([0, 3, 1, 4, 2], [2, 0, 1]);
    expect(context.evaluated - before).toBe(7);
  });

  it('takes its context with it', async () => {
    await scorer.dispose();
    expect(context.disposed).toBe(true);
  });
});

const STORY =
  'Once upon a time, there was a little girl named Lily. She loved to play outside with her dog. One day, she saw ' +
  'a big red ball in the park. "Can I play with your ball?" she asked the boy. The boy said yes, and they threw it. ';

describe('the score on the embedded pair', () => {
  let pair: Pair;
  let scorer: Scorer;
  beforeAll(async () => {
    pair = await embeddedPair();
    scorer = new Scorer(await pair.target.createContext({ capacity: 1000, sequences: 1, threads: 1 }), 10);
  });
  afterAll(async () => {
    await scorer.dispose();
  });

  /** How far it is from what `generate` reads while it writes, per token. */
  async function distance(settings: SettingsInput, prompt?: string): Promise<number> {
    const { tokens, promptTokens, steps } = await run(
      pair,
      { seed: 4, perplexity: true, ...settings },
      prompt === undefined ? {} : { prompt },
    );
    const read = sum(steps.flatMap(({ rawLogProbs }) => [...rawLogProbs!]));
    return Math.abs((await scorer.score(promptTokens, tokens)) - read) / tokens.length;
  }

  it.each(STRATEGY_NAMES.flatMap((strategy) => [0, 1].map((temperature) => ({ strategy, temperature }))))(
    'of a text by $strategy at temperature $temperature is the one that was read while it was written',
    async (settings) => {
      expect(await distance({ ...settings, maxTokens: 40 })).toBeLessThan(0.02); // batches differ
    },
  );

  it('is the same after a prompt longer than a batch, and of one token', async () => {
    const prompt = STORY.repeat(5);
    expect(pair.target.tokenizer.encode(prompt).length).toBeGreaterThan(256);
    for (const maxTokens of [1, 20])
      expect(await distance({ strategy: 'mtad', maxTokens }, prompt)).toBeLessThan(0.02);
    expect(await distance({ strategy: 'autoregressive', maxTokens: 1 })).toBeLessThan(0.02);
  });

  it('does not depend on how much of the vocabulary is read, nor on what was scored before', async () => {
    const { tokens, promptTokens } = await run(pair, { seed: 5, maxTokens: 30 });
    const score = await scorer.score(promptTokens, tokens);
    expect(score).toBeLessThan(0);
    await expect(scorer.score(promptTokens, [...tokens, 0])).rejects.toThrow(RangeError); // nobody would write 0
    expect(await scorer.score(promptTokens, tokens)).toBe(score);
    const all = new Scorer(await pair.target.createContext({ capacity: 100, sequences: 1, threads: 1 }), 0);
    expect(await all.score(promptTokens, tokens)).toBeCloseTo(score, 6);
    await all.dispose();
  });
});
