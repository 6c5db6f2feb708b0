import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SettingsInput } from '../../src/generation/settings.js';
import { createRng } from '../../src/math/rng.js';
import { loadPair, type Pair } from '../../src/models/pair.js';
import { heedsSetting, refusalOf, STRATEGY_NAMES } from '../../src/strategies/index.js';
import { corpusOf } from '../support/corpus-of.js';
import { embeddedPair } from '../support/embedded-pair.js';
import { attentionWithHead } from '../support/head-models.js';
import { tries } from '../support/tries.js';
import { type Run, run } from './generate-run.js';

const PROMPTS = ['Once upon a time', 'Lily had a dog. Lily', 'The cat', 'Tom and his dog'];
const SOURCES = ['model', 'mtp', 'lookup', 'corpus'] as const;
const TAILS = ['none', 'lookup', 'corpus'] as const;
const AT_ONCE = 8;

/** Every strategy with every drafter that it takes, every tail behind it, and a seed of its own. */
function allSettings({ draft, target }: Pair): SettingsInput[] {
  const isThere = { model: draft !== undefined, mtp: target.head !== undefined, lookup: true, corpus: true };
  const all = STRATEGY_NAMES.flatMap((strategy) => {
    if (!heedsSetting(strategy, 'draftFrom')) return [{ strategy }];
    return SOURCES.filter((draftFrom) => isThere[draftFrom] && !refusalOf(strategy, { draftFrom })).flatMap(
      (draftFrom) =>
        TAILS.filter((tail) => tail !== draftFrom).map((draftTail) => ({ strategy, draftFrom, draftTail })),
    );
  });
  return all.map((settings, seed) => ({ ...settings, seed, maxTokens: 12, ignoreEos: true }));
}

/** The pair with a corpus of what it writes itself. */
async function withCorpus(pair: Pair): Promise<Pair> {
  const tokens: number[] = [];
  for (const [seed, prompt] of PROMPTS.entries()) {
    const text = await run(pair, { strategy: 'autoregressive', seed: 50 + seed, maxTokens: 60 }, { prompt });
    tokens.push(...text.promptTokens, ...text.tokens);
  }
  return { ...pair, corpus: corpusOf(tokens) };
}

/** Everything of a text that does not tell the time, to the last bit. */
const said = ({ tokens, text, steps }: Run): string => {
  const drafts = steps.map(({ draft }) =>
    draft.map(({ token, parent, q }) => [token, parent, ...q.tokens, ...q.logProbs]),
  );
  return JSON.stringify({ text, tokens, drafts });
};

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mtad-at-once-'));
});
afterAll(() => rm(folder, { recursive: true }));

const BY_BINDINGS = [
  'the embedded pair, by the bindings',
  () => loadPair({ engine: 'bindings', gpu: 'off' }),
] as const;
const PAIRS: readonly (readonly [string, () => Promise<Pair>])[] = [
  ['the embedded pair', embeddedPair],
  ...tries([], [BY_BINDINGS]),
  [
    'a target with a head',
    async () => loadPair({ model: await attentionWithHead(folder), engine: 'direct', gpu: 'off' }),
  ],
];

describe.each(PAIRS)('texts of %s', (_, open) => {
  let pair: Pair;
  let settings: SettingsInput[];
  const options = (i: number) => ({ prompt: PROMPTS[i % PROMPTS.length]!, contextSize: 96 });
  beforeAll(async () => {
    pair = await withCorpus(await open());
    settings = allSettings(pair);
  });

  it('that are written at once are those that are written alone, and cancelled ones their beginnings', async () => {
    const alone: Run[] = [];
    for (const [i, one] of settings.entries()) alone.push(await run(pair, one, options(i)));
    const rng = createRng(1);
    const counts = { equal: 0, cancelled: 0 };
    for (let from = 0; from < settings.length; from += AT_ONCE) {
      const group = settings.slice(from, from + AT_ONCE).map(async (one, k) => {
        const whole = alone[from + k]!;
        const abort = new AbortController();
        const events = whole.types.length - 2; // the last two are too late to cancel anything
        let left = k % 3 === 2 ? 1 + Math.floor(rng() * events) : Infinity;
        const watch = () => void (--left === 0 && abort.abort());
        const text = await run(pair, one, { ...options(from + k), signal: abort.signal, watch });
        const isCancelled = text.finishReason === 'interrupted';
        if (isCancelled) expect(text.tokens).toEqual(whole.tokens.slice(0, text.tokens.length));
        else expect(said(text), JSON.stringify(one)).toBe(said(whole));
        counts[isCancelled ? 'cancelled' : 'equal']++;
      });
      await Promise.all(group);
    }
    expect(settings).toHaveLength(28);
    expect(counts).toEqual({ equal: 21, cancelled: 7 }); // and none lost
  });
});
