import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SettingsInput } from '../../src/generation/settings.js';
import { loadPair, type Pair } from '../../src/models/pair.js';
import { EMBEDDED_PAIR } from '../../src/models/resolve.js';
import { STRATEGY_NAMES, type StrategyName } from '../../src/strategies/index.js';
import { chatPair } from '../support/chat-models.js';
import { ENGINES } from '../support/representatives.js';
import { trySchema } from '../support/schema-trial.js';
import { tries } from '../support/tries.js';
import { run } from './generate-run.js';

const SCHEMA = {
  type: 'object',
  properties: { name: { type: 'string', maxLength: 9 }, age: { type: 'integer' } },
};
const MANY = ['autoregressive', 'speculative', 'mtad'];
/** What no token writes. */
const NOTHING = String.raw`"\x00"`;
const GUESSING = tries<StrategyName[]>(['block', 'mmtad'], ['speculative', 'block', 'mtad', 'mmtad']);

describe.each(ENGINES)('generate with a grammar, %s', (engine) => {
  let pair: Pair;
  beforeAll(async () => {
    pair = await loadPair({ engine, gpu: 'off' });
  });
  afterAll(() => pair.dispose());

  it.each(STRATEGY_NAMES)('writes JSON that obeys the schema with %s', async (strategy) => {
    const outcomes: string[] = [];
    for (let seed = 1; seed <= (MANY.includes(strategy) ? tries(2, 20) : tries(1, 6)); seed++)
      outcomes.push((await trySchema(pair, seed, { strategy })).outcome);
    expect(new Set(outcomes)).toEqual(
      new Set(outcomes.includes('cut off') ? ['valid', 'cut off'] : ['valid']),
    );
    expect(outcomes.filter((outcome) => outcome === 'valid').length).toBeGreaterThanOrEqual(
      outcomes.length / 2,
    );
  });

  it.each(['speculative', 'mtad'] as const)('takes guesses from a lookup with %s', async (strategy) => {
    for (let seed = 1; seed <= tries(2, 5); seed++)
      expect((await trySchema(pair, seed, { strategy, draftFrom: 'lookup' })).outcome).toMatch(
        /^(valid|cut off)$/,
      );
  });

  it('writes exactly the JSON, and ends with the end token', async () => {
    const settings: SettingsInput = { grammar: { jsonSchema: SCHEMA }, seed: 1 };
    const { text, finishReason, tokens, grammarComplete } = await run(pair, settings);
    expect(text).toBe(text.trim());
    expect(Object.keys(JSON.parse(text))).toEqual(['name', 'age']);
    expect(finishReason).toBe('eos');
    expect(grammarComplete).toBe(true);
    expect(pair.target.tokenizer.isEndOfGeneration(tokens.at(-1)!)).toBe(true);
  });

  it('says whether a text that was cut off is complete', async () => {
    const grammar = { gbnf: 'root ::= "Yes" | "Yes" " "+ "!"' };
    const short = await run(pair, { grammar: { gbnf: 'root ::= [a-z ]+ "!"' }, maxTokens: 3 });
    expect(short).toMatchObject({ finishReason: 'length', grammarComplete: false });
    const whole = await run(pair, { grammar, maxTokens: 1 });
    expect(whole).toMatchObject({ text: 'Yes', finishReason: 'length', grammarComplete: true });
    expect((await run(pair, { maxTokens: 3 })).grammarComplete).toBeNull();
  });

  it('measures the perplexity of the text without the grammar', async () => {
    const settings: SettingsInput = { grammar: { gbnf: 'root ::= "Yes"' }, perplexity: true };
    const { counters } = await run(pair, { ...settings, temperature: 0 });
    expect(counters.rawLogProbSum!).toBeLessThan(-5); // the grammar made certain what the model did not expect
  });

  it.each(['mtad', 'mmtad', 'speculative'] as const)(
    '%s passes by a dead end that the text does not go into',
    async (strategy) => {
      const grammar = { gbnf: `root ::= "," ${NOTHING} | " there"` };
      const even = { temperature: 4, topP: 1 }; // both ways are taken
      const ends = await Promise.allSettled(
        [1, 2, 3, 4, 5, 6, 7, 8].map((seed) => run(pair, { strategy, grammar, seed, ...even })),
      );
      const texts = ends.flatMap((end) => (end.status === 'fulfilled' ? [end.value.text] : []));
      expect(new Set(texts)).toEqual(new Set([' there']));
    },
  );

  it('says so where the model cannot write what the grammar asks for', async () => {
    const grammar = { gbnf: `root ::= "a" ${NOTHING}` };
    const texts: string[] = [];
    const watch = (event: { type: string; pieces?: readonly { text: string }[] }) => {
      for (const { text } of event.pieces ?? []) texts.push(text);
    };
    const failed = run(pair, { strategy: 'autoregressive', grammar }, { watch });
    await expect(failed).rejects.toThrow(/grammar asks for what the model cannot write/);
    expect(texts.join('')).toBe('a');
  });
});

describe('generate with a grammar', () => {
  it('writes the names of control tokens in letters, and the tokens that it names as such', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'mtad-grammar-'));
    const pair = await loadPair({ ...(await chatPair(folder)), gpu: 'off' });
    const [mark, answer] = ['a<|im_end|><|im_start|>b</s>', '"<|im_end|>\\u0001"'];
    const texts = [
      [{ gbnf: `root ::= "${mark}"` }, mark],
      [{ gbnf: `root ::= <think> "${mark}" <[256]>` }, `<think>${mark}</think>`],
      [{ jsonSchema: { const: JSON.parse(answer) } }, answer],
    ] as const;
    try {
      for (const strategy of tries<StrategyName[]>(['mtad'], ['autoregressive', 'speculative', 'mtad']))
        for (const [grammar, text] of texts) {
          const result = await run(pair, { grammar, strategy, seed: 1 });
          expect(result).toMatchObject({ text, finishReason: 'eos', grammarComplete: true });
          expect(result.tokens.filter((token) => [2, 258].includes(token))).toEqual([2]); // the end, once
        }
      const named = run(pair, { grammar: { gbnf: 'root ::= "a" <|im_start|> "b"' } });
      await expect(named).rejects.toThrow('names <|im_start|>, a control token');
    } finally {
      await pair.dispose();
      await rm(folder, { recursive: true });
    }
  });

  it.each(GUESSING)('accepts every guess of a draft model that is the target, with %s', async (strategy) => {
    const pair = await loadPair({ model: EMBEDDED_PAIR.model, draft: EMBEDDED_PAIR.model, gpu: 'off' });
    try {
      const settings: SettingsInput = { strategy, grammar: { jsonSchema: SCHEMA }, topK: 5 };
      let [drafted, accepted] = [0, 0];
      for (let seed = 1; seed <= tries(2, 5); seed++) {
        const { counters } = await run(pair, { ...settings, seed });
        drafted += counters.drafted;
        accepted += counters.accepted;
      }
      expect(drafted).toBeGreaterThan(20);
      expect(accepted / drafted).toBeGreaterThan(0.97); // rows rounded in batches of different sizes differ a little
    } finally {
      await pair.dispose();
    }
  });

  it('refuses a grammar with --ignore-eos, and one that llama.cpp cannot read before it loads weights', async () => {
    const pair = await loadPair({ gpu: 'off' });
    try {
      const grammar = { gbnf: 'root ::= "a"' };
      await expect(run(pair, { grammar, ignoreEos: true })).rejects.toThrow(/`ignoreEos`/);
    } finally {
      await pair.dispose();
    }
    const loading = loadPair({ gpu: 'off', grammar: { gbnf: 'other ::= "a"' } });
    await expect(loading).rejects.toThrow(/cannot read the grammar: .*root/);
  });
});
