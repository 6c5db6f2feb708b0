import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { Conversation } from '../../src/generation/conversation.js';
import { loadPair } from '../../src/models/pair.js';
import { STRATEGY_NAMES } from '../../src/strategies/index.js';
import { chatPair } from '../support/chat-models.js';

const TOKENS = 100_000;
const MIB = 2 ** 20;

it(`writes a conversation of ${TOKENS} tokens, a hundred times what its context holds`, async () => {
  const folder = await mkdtemp(join(tmpdir(), 'mtad-long-text-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const pair = await loadPair({ ...(await chatPair(folder)), gpu: 'off' });
  const settings = { draftLength: 4, seed: 1, maxTokens: 250, ignoreEos: true } as const;
  const run = { threads: 1, contextSize: 1000, contextPolicy: 'shift', verifyCache: 50 } as const;
  const conversation = await Conversation.open(pair, settings, run);
  const seen = { tokens: 0, dropped: 0, largest: 0, rows: 0, worst: 0 };
  const sizes: number[] = []; // MiB at each tenth of the text
  for (let n = 0; seen.tokens < TOKENS; n++) {
    await conversation.change({ strategy: STRATEGY_NAMES[n % STRATEGY_NAMES.length]! });
    for await (const event of conversation.ask('And then?')) {
      if (event.type === 'shift') seen.dropped += event.dropped;
      if (event.type !== 'end') continue;
      const { tokens, finishReason, cacheCheck } = event.result;
      expect({ tokens: tokens.length, finishReason }).toEqual({ tokens: 250, finishReason: 'length' });
      seen.tokens += tokens.length;
      seen.rows = cacheCheck!.rows;
      seen.worst = Math.max(seen.worst, cacheCheck!.worst);
    }
    seen.largest = Math.max(seen.largest, (await conversation.size()).tokens);
    if (seen.tokens < ((sizes.length + 1) * TOKENS) / 10) continue;
    sizes.push(Math.round(process.memoryUsage().rss / MIB));
    process.stdout.write(`${JSON.stringify(seen)}, ${sizes.at(-1)} MiB\n`);
  }
  await conversation.dispose();
  await pair.dispose();
  expect(seen.dropped).toBeGreaterThan(300);
  expect(seen.largest).toBeLessThanOrEqual(1000);
  expect(sizes.at(-1)! - sizes[1]!).toBeLessThanOrEqual(32);
});
