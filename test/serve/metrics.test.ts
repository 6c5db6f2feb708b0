import { expect, it } from 'vitest';
import { NO_STEPS } from '../../src/generation/counters.js';
import { Metrics } from '../../src/serve/metrics.js';
import type { Written } from '../../src/serve/writer.js';

/** A text whose prompt of 100 tokens was read as far as it says. */
const text = (
  evaluated: number,
  finishReason: string,
  firstTokenMs: number | null,
  drift: object | null = null,
) =>
  ({
    promptTokens: 100,
    queueMs: 0,
    result: {
      drift,
      counters: NO_STEPS,
      evaluated: { target: evaluated, draft: 0 },
      finishReason,
      firstTokenMs,
    },
  }) as unknown as Written;

it('tokens that were not read when a text was interrupted are no hits of the cache', () => {
  const metrics = new Metrics();
  metrics.wrote(text(40, 'stop', 1));
  metrics.wrote(text(10, 'interrupted', null));
  metrics.wrote(text(0, 'stop', 1, { steps: 64, fall: {} }));
  const lines = metrics.text({ running: 0, waiting: 0 }).split('\n');
  expect(lines).toContain('mtad_prefix_cache_queries_total 200');
  expect(lines).toContain('mtad_prefix_cache_hits_total 160');
  expect(lines).toContain('mtad_prompt_tokens_total 300');
  expect(lines).toContain('mtad_drifted_texts_total 1');
});
