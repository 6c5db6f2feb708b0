import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { generate } from '../../src/generation/generate.js';
import type { SettingsInput } from '../../src/generation/settings.js';
import { loadPair, type Pair } from '../../src/models/pair.js';
import { refusalOf, STRATEGY_NAMES } from '../../src/strategies/index.js';
import type { TokenId } from '../../src/types.js';
import { ENGINES } from '../support/representatives.js';
import { tries } from '../support/tries.js';
import { PROMPT } from './generate-run.js';

const SEEDS = Array.from({ length: tries(2, 20) }, (_, i) => i + 1);
const NURSERY = 'One for sorrow, two for joy, one for sorrow, two for joy, one for';
const LIST = 'root ::= ("\\n- " [a-z ]+ ".")+';

describe.each(ENGINES)('a short text, engine %s', (engine) => {
  let pair: Pair;
  beforeAll(async () => {
    pair = await loadPair({ engine, gpu: 'off' });
  });
  afterAll(() => pair.dispose());

  /** The first tokens of a text, at most `count` of them and what came in the same step. */
  async function beginning(settings: SettingsInput, prompt: string, count: number): Promise<TokenId[]> {
    const tokens: TokenId[] = [];
    for await (const event of generate(pair, prompt, settings, { threads: 1, contextSize: 256 })) {
      if (event.type === 'step') tokens.push(...event.step.emitted);
      if (tokens.length >= count) break;
    }
    return tokens;
  }

  async function isBeginningOfLong(settings: SettingsInput, prompt = PROMPT): Promise<void> {
    for (const seed of SEEDS) {
      const long = await beginning({ ...settings, seed, maxTokens: 200 }, prompt, 20);
      for (const maxTokens of [20, seed]) {
        const short = await beginning({ ...settings, seed, maxTokens }, prompt, maxTokens);
        expect(short, `${seed}, ${maxTokens}`).toEqual(long.slice(0, maxTokens));
      }
    }
  }

  it.each(STRATEGY_NAMES)('is the beginning of a long one of the same seed: %s', (strategy) =>
    isBeginningOfLong({ strategy }),
  );

  it.each(['mtad', 'speculative'] as const)('likewise with a grammar: %s', (strategy) =>
    isBeginningOfLong({ strategy, grammar: { gbnf: LIST } }),
  );

  it.each(STRATEGY_NAMES.filter((name) => !refusalOf(name, { draftFrom: 'lookup' })))(
    'likewise where the draft is looked up: %s',
    (strategy) => isBeginningOfLong({ strategy, draftFrom: 'lookup' }, NURSERY),
  );
});
