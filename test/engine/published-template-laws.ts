import { describe, expect, it } from 'vitest';
import { publishedTemplates, tryTemplates } from '../support/template-trial.js';
import { tries } from '../support/tries.js';
import type { Vocabularies } from '../support/vocabularies.js';

/** What @huggingface/jinja has no word for: keys that are numbers, str.format, a date that nobody told. */
const BEYOND = ['ByteDance-Seed-OSS', 'tencent-Hy3', 'fireworks-ai-llama-3-firefunction-v2'];

/** Every sixth, and those that are beyond it. */
const someOf = (all: ReadonlyMap<string, string>) =>
  new Map([...all].filter(([name], i) => i % 6 === 0 || BEYOND.includes(name)));

export const publishedTemplateLaws = (vocabularies: () => Vocabularies) =>
  describe('published chat templates', () => {
    it('are rendered to the byte, and read token by token, or refused by name', async () => {
      const all = await publishedTemplates();
      const templates = tries(someOf(all), all);
      const model = await vocabularies().load('phi-3'); // some of its tokens swallow the blank space behind them
      const { equal, refused, different, sameTokens, otherTokens } = await tryTemplates(templates, model);
      expect({ different, otherTokens }).toEqual({ different: [], otherTokens: [] });
      expect(sameTokens).toBe(equal);
      expect(equal).toBeGreaterThan((templates.size - BEYOND.length) * tries(4, 6));
      expect(new Set(refused.map((line) => line.split(':')[0]))).toEqual(new Set(BEYOND));
    });
  });
