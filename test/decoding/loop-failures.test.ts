import { describe, expect, it } from 'vitest';
import { decode, type Step } from '../../src/decoding/loop.js';
import { sequencesOf } from '../../src/strategies/index.js';
import { EngineFailure } from '../support/fake-context.js';
import { UNCUT } from '../support/fake-model.js';
import { fakePair } from '../support/fake-pair.js';
import { decodeOptions, neverEnds, PROMPT, prefill, run, strategyOn } from '../support/fake-run.js';
import { heldTexts, knownTexts } from '../support/known-texts.js';
import { emittedOf, GREEDY, STRATEGIES } from './strategies.js';

const ENOUGH = { targetSequences: 2, draftSequences: 2 };

describe('decode', () => {
  describe.each(STRATEGIES)('with $strategy', (options) => {
    it('passes an engine failure on, keeps what was emitted, and can be asked to go on', async () => {
      const untroubled = await run(options, { sampling: GREEDY, endsWith: neverEnds });
      for (const model of ['target', 'draft'] as const) {
        if (sequencesOf(options)[model] === 0) continue;
        for (let n = 1; n <= 3; n++) {
          const pair = fakePair(ENOUGH);
          const prefix = [...PROMPT];
          await prefill(pair.cache, prefix);
          const strategy = strategyOn(pair.cache, options, GREEDY);
          pair[model].failIn(n);
          const left = () =>
            decodeOptions({ maxTokens: 12 - (prefix.length - PROMPT.length), endsWith: neverEnds });
          const seen: Step[] = [];
          const failing = async () => {
            for await (const step of decode(strategy, pair.cache, prefix, left())) seen.push(step);
          };
          await expect(failing()).rejects.toThrow(EngineFailure);
          expect(prefix).toEqual([...PROMPT, ...emittedOf(seen)]);
          for (const model of ['target', 'draft'] as const) {
            const cache = pair.cache[model]!;
            expect(heldTexts(cache, pair[model])).toEqual(knownTexts(cache, prefix));
          }

          for await (const _ of decode(strategy, pair.cache, prefix, left()));
          expect(prefix).toEqual(untroubled.prefix);
        }
      }
    });

    it('has in the text what was emitted and no more, where forgetting fails, and can be asked to go on', async () => {
      const untroubled = await run(options, { sampling: GREEDY, endsWith: neverEnds });
      let failures = 0;
      for (const model of ['target', 'draft'] as const)
        for (let n = 1; n <= 6; n++) {
          const pair = fakePair(ENOUGH);
          const prefix = [...PROMPT];
          await prefill(pair.cache, prefix);
          const strategy = strategyOn(pair.cache, options, GREEDY);
          pair[model].failToForgetIn(n);
          const seen: Step[] = [];
          const writeOn = async () => {
            const left = decodeOptions({ maxTokens: 12 - emittedOf(seen).length, endsWith: neverEnds });
            for await (const step of decode(strategy, pair.cache, prefix, left)) seen.push(step);
          };
          await writeOn().catch((error) => {
            expect(error).toBeInstanceOf(EngineFailure);
            failures++;
          });
          expect(prefix).toEqual([...PROMPT, ...emittedOf(seen)]);
          if (emittedOf(seen).length < 12) await writeOn();
          expect(prefix).toEqual(untroubled.prefix);
          expect(emittedOf(seen)).toEqual(untroubled.emitted);
        }
      if (options.strategy !== 'autoregressive') expect(failures).toBeGreaterThan(2);
    });

    it('leaves the caches at the committed text where its caller stops listening', async () => {
      const { cache } = fakePair(ENOUGH);
      const prefix = [...PROMPT];
      const strategy = strategyOn(cache, options, UNCUT);
      for await (const _ of decode(strategy, cache, prefix, decodeOptions())) break;
      expect(knownTexts(cache.target, prefix)).toContainEqual(prefix.slice(0, -1));
    });
  });
});
