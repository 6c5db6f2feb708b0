import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadPair, type Pair } from '../../src/models/pair.js';
import type { StrategyName } from '../../src/strategies/index.js';
import { openSession } from '../support/open-session.js';
import { slidingWindowModel } from '../support/other-architectures.js';
import { ENGINES } from '../support/representatives.js';

describe.each(ENGINES)('a session with a sliding window, engine %s', (engine) => {
  let folder: string;
  let pair: Pair;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mtad-session-'));
    const model = await slidingWindowModel(folder, { window: 64 });
    pair = await loadPair({ model, draft: model, engine, gpu: 'off' });
  });
  afterAll(async () => {
    await pair?.dispose();
    await rm(folder, { recursive: true });
  });

  const strategies: StrategyName[] = ['autoregressive', 'mtad', 'mmtad'];
  it.each(strategies)(
    '%s: each text gets all of the context, however long the one before',
    async (strategy) => {
      const settings = { strategy, maxTokens: 8, seed: 1, ignoreEos: true };
      const { session, dispose } = await openSession(pair, settings, { threads: 1, contextSize: 240 });
      for (const [i, length] of [220, 60, 200, 90, 225].entries()) {
        const prompt = Array.from({ length }, (_, t) => 260 + ((7 * t + 13 * i) % 100));
        for await (const event of session.write(prompt))
          if (event.type === 'end') expect(event.result.tokens).toHaveLength(8);
      }
      await dispose();
    },
  );
});
