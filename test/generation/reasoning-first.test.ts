import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { answerOf } from '../../src/generation/reasoning.js';
import { loadPair, type Pair } from '../../src/models/pair.js';
import { STRATEGY_NAMES } from '../../src/strategies/index.js';
import { chatPair, OPENING_CHATML } from '../support/chat-models.js';
import { run } from './generate-run.js';

/** A model that ends its reasoning where others put a full stop. */
const SENTENCES = { 256: '<unused>', 1985: '</think>' };
const PROMPT = { messages: [{ role: 'user', content: 'Tell me a story.' }] } as const;
const SCHEMA = { type: 'object', properties: { name: { type: 'string', maxLength: 9 } } };

describe.each(['direct', 'bindings'] as const)(
  'a grammar behind reasoning that the template opens, %s',
  (engine) => {
    let folder: string;
    let pair: Pair;
    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'mtad-reasoning-'));
      const files = await chatPair(folder, { template: OPENING_CHATML, tokens: SENTENCES });
      pair = await loadPair({ ...files, engine, gpu: 'off' });
    });
    afterAll(async () => {
      await pair?.dispose();
      await rm(folder, { recursive: true });
    });

    it.each(STRATEGY_NAMES)('%s: reasons freely, then obeys it', async (strategy) => {
      const settings = { strategy, grammar: { jsonSchema: SCHEMA }, seed: 1, maxTokens: 200 };
      const result = await run(pair, settings, { prompt: PROMPT });
      expect(result.reasoning).toMatch(/\w+ \w+[\s\S]*<\/think>$/);
      expect(JSON.parse(answerOf(result))).toEqual({ name: expect.any(String) });
      expect(result).toMatchObject({ finishReason: 'eos', grammarComplete: true });
    });

    it('is not complete as long as the model reasons', async () => {
      const settings = { grammar: { gbnf: 'root ::= "Yes"?' }, maxTokens: 3 };
      expect(await run(pair, settings, { prompt: PROMPT })).toMatchObject({
        finishReason: 'length',
        grammarComplete: false,
      });
    });
  },
);
