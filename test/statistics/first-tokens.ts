/** The first tokens of a text: how often a strategy writes them, and how likely the target model makes them. */
import type { CacheManager } from '../../src/decoding/cache-manager.js';
import { decode } from '../../src/decoding/loop.js';
import type { ModelCache } from '../../src/decoding/model-cache.js';
import type { Strategy } from '../../src/decoding/strategy.js';
import { createRng } from '../../src/math/rng.js';
import type { Truncation } from '../../src/math/truncate.js';
import { type Prefix, ROOT, type TokenId } from '../../src/types.js';
import { type ChiSquareTest, chiSquareTest } from '../support/chi-square.js';

const key = (tokens: readonly TokenId[]) => tokens.join(' ');

/** The exact probabilities of beginnings, by how many tokens they have. */
export type Laws = ReadonlyMap<number, ReadonlyMap<string, number>>;

/** The laws of the first token, the first two and the first three, of beginnings that are at least as likely as `least`. */
export async function lawsOfFirst(
  target: ModelCache,
  prompt: Prefix,
  truncation: Truncation,
  least: number,
): Promise<Laws> {
  const laws = new Map<number, ReadonlyMap<string, number>>();
  for (const length of [1, 2, 3])
    laws.set(length, await lawOfFirst(length, target, prompt, truncation, least));
  return laws;
}

/**
 * Pearson's test of texts against each law that they are long enough for.
 * @throws RangeError for texts of different lengths, since a short one would leave out laws
 */
export function testFirst(texts: readonly (readonly TokenId[])[], laws: Laws): ChiSquareTest[] {
  const written = texts[0]!.length;
  const other = texts.find((text) => text.length !== written);
  if (other || written === 0)
    throw new RangeError(`A text has ${other?.length ?? 0} tokens, another ${written}`);
  const told = [...laws].filter(([length]) => length <= written);
  return told.map(([length, law]) => chiSquareTest(countFirst(length, texts), law));
}

async function lawOfFirst(
  length: number,
  target: ModelCache,
  prompt: Prefix,
  truncation: Truncation,
  least: number,
): Promise<ReadonlyMap<string, number>> {
  const law = new Map<string, number>();
  const walk = async (tokens: readonly TokenId[], probability: number): Promise<void> => {
    if (probability < least) return;
    if (tokens.length === length) {
      law.set(key(tokens), probability);
      return;
    }
    const [next] = await target.distributions([...prompt, ...tokens], [], [ROOT], truncation);
    for (const [i, token] of next!.tokens.entries())
      await walk([...tokens, token], probability * Math.exp(next!.logProbs[i]!));
  };
  await walk([], 1);
  return law;
}

/** How many of the texts begin with each beginning of a length. */
function countFirst(length: number, texts: readonly (readonly TokenId[])[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const text of texts) {
    const beginning = key(text.slice(0, length));
    counts.set(beginning, (counts.get(beginning) ?? 0) + 1);
  }
  return counts;
}

/** Texts of `length` tokens, written with the seeds 1 to `count`, all in one cache. */
export async function writeTexts(
  strategy: Strategy,
  cache: CacheManager,
  prompt: Prefix,
  length: number,
  count: number,
): Promise<{ texts: TokenId[][]; acceptanceRate: number }> {
  const texts: TokenId[][] = [];
  let drafted = 0;
  let accepted = 0;
  for (let seed = 1; seed <= count; seed++) {
    const prefix = [...prompt];
    const settings = { maxTokens: length, rng: createRng(seed), rawLogProbs: false, now: () => 0 };
    for await (const step of decode(strategy, cache, prefix, { ...settings, endsWith: () => undefined })) {
      drafted += step.draft.length;
      accepted += step.accepted;
    }
    texts.push(prefix.slice(prompt.length));
  }
  return { texts, acceptanceRate: accepted / drafted };
}
