/** Texts at temperature 0, and where two strategies that should write the same part. */
import { openCache } from '../../src/decoding/open-cache.js';
import { generate } from '../../src/generation/generate.js';
import type { RunOptions } from '../../src/generation/run-options.js';
import type { Pair } from '../../src/models/pair.js';
import type { StrategyName } from '../../src/strategies/index.js';
import { type Prefix, ROOT, type TokenId } from '../../src/types.js';

/** The embedded models gain nothing from more. */
const ONE_THREAD: RunOptions = { threads: 1 };

/** Of a step: as many as pay would be none on most machines, and nothing would be compared. */
const GUESSES = 4;

interface Text {
  readonly prompt: Prefix;
  readonly tokens: Prefix;
}

export interface Parting {
  readonly place: number; // tokens that are equal
  readonly gap: number; // of the two tokens' logits
}

export async function writeGreedily(
  pair: Pair,
  prompt: string,
  strategy: StrategyName,
  maxTokens: number,
  run: RunOptions,
): Promise<Text> {
  let promptTokens: Prefix = [];
  const settings = { strategy, maxTokens, draftLength: GUESSES, temperature: 0, ignoreEos: true };
  for await (const event of generate(pair, prompt, settings, { ...ONE_THREAD, ...run })) {
    if (event.type === 'start') promptTokens = event.promptTokens;
    if (event.type === 'end') return { prompt: promptTokens, tokens: event.result.tokens };
  }
  throw new Error('The generation has no end');
}

/** How far apart two tokens are for the target alone. */
async function gapBetween(
  pair: Pair,
  prefix: Prefix,
  [one, other]: readonly [TokenId, TokenId],
  run: RunOptions,
): Promise<number> {
  const room = { capacity: prefix.length, targetSequences: 1, draftSequences: 0, draftLength: 1 };
  const cache = await openCache(pair, { ...ONE_THREAD, ...run, ...room });
  try {
    const [row] = await cache.target.evaluate(prefix, [], [ROOT], { top: 0, logSumExp: false });
    const logit = (token: TokenId) => row!.logits[row!.tokens.indexOf(token)]!;
    return Math.abs(logit(one) - logit(other));
  } finally {
    await cache.dispose();
  }
}

/** @returns undefined where the texts are equal */
export async function partingOf(
  pair: Pair,
  alone: Text,
  together: Text,
  run: RunOptions,
): Promise<Parting | undefined> {
  const place = alone.tokens.findIndex((token, i) => token !== together.tokens[i]);
  if (place === -1) return undefined;
  const prefix = [...alone.prompt, ...alone.tokens.slice(0, place)];
  const pairOfTokens = [alone.tokens[place]!, together.tokens[place]!] as const;
  return { place, gap: await gapBetween(pair, prefix, pairOfTokens, run) };
}
