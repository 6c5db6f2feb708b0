import { beforeAll, expect, test } from 'vitest';
import type { Pair } from '../../src/models/pair.js';
import { embeddedPair } from '../support/embedded-pair.js';
import { partingOf, writeGreedily } from '../support/greedy-texts.js';

/** Logits this close are a tie for numbers of 16 bits: the order in which a pass adds up decides. */
const NEAR_TIE = 0.01;
const EXACT = { flashAttention: false, cacheType: 'f32' } as const;
const PROMPTS = [
  'Once upon a time, there was a old cat named Tim. Tim liked to read in the garden.',
  'One day, Tim went to the park with a little flower.',
  'Jack and Tim were best friends. They wanted to read with the car,',
];

let pair: Pair;
beforeAll(async () => {
  pair = await embeddedPair();
});

test.each(PROMPTS)(
  'speculative and block write at temperature 0 what autoregressive does: %s',
  async (prompt) => {
    const alone = await writeGreedily(pair, prompt, 'autoregressive', 60, EXACT);
    expect(alone.tokens).toHaveLength(60);
    for (const strategy of ['speculative', 'block'] as const) {
      const together = await writeGreedily(pair, prompt, strategy, 60, EXACT);
      const parting = await partingOf(pair, alone, together, EXACT);
      expect(parting?.gap ?? 0, `${strategy} parts after ${parting?.place} tokens`).toBeLessThan(NEAR_TIE);
    }
  },
);
