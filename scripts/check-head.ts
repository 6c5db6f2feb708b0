/**
 * Tells how often the drafting head's likeliest token is the target's, one, two and three tokens ahead, along texts: the head
 * reads the text's own tokens, and its own hidden states behind the first.
 *
 *   npm run check:head -- [--model gguf/stories-hybrid-f16.gguf] [--prompts gguf/prompts.jsonl] [--limit 20] [--tokens 96]
 *
 * A text is a prompt and so many tokens that plain decoding writes on it; with --tokens 0 the prompt alone.
 */
import { readFile } from 'node:fs/promises';
import { parseArgs } from 'node:util';
import { openCache } from '../src/decoding/open-cache.js';
import { generate } from '../src/generation/generate.js';
import { loadPair, type Pair } from '../src/models/pair.js';
import { type DraftNode, ROOT, type TokenId } from '../src/types.js';
import { positive, runScript } from './arguments.js';

const AHEAD = 3;
const FIRST = { top: 1, logSumExp: false };
const UNUSED = { tokens: Int32Array.of(0), logProbs: Float64Array.of(0) };

await runScript(async () => {
  const { values } = parseArgs({
    options: {
      model: { type: 'string', default: 'gguf/stories-hybrid-f16.gguf' },
      prompts: { type: 'string', default: 'gguf/prompts.jsonl' },
      limit: { type: 'string', default: '20' },
      tokens: { type: 'string', default: '96' },
    },
  });
  const lines = (await readFile(values.prompts, 'utf8')).trim().split('\n');
  const prompts = lines
    .slice(0, positive('limit', values.limit))
    .map((line) => JSON.parse(line).prompt as string);
  const pair = await loadPair({ model: values.model, withHead: true, engine: 'direct', gpu: 'off' });
  try {
    if (!pair.target.head) throw new RangeError(`${values.model} has no drafting head that can be used`);
    const equal = new Array<number>(AHEAD).fill(0);
    let places = 0;
    for (const prompt of prompts) {
      const text = await textFrom(pair, prompt, Number(values.tokens));
      places += Math.max(0, text.length - AHEAD);
      for (const [i, count] of (await agreements(pair, text)).entries()) equal[i]! += count;
    }
    const shares = equal.map((count) => (count / places).toFixed(3));
    process.stdout.write(
      `${values.model}: the head's likeliest token is the target's at ${shares.join(' / ')} of ${places} places, 1 / 2 / 3 ahead\n`,
    );
  } finally {
    await pair.dispose();
  }
});

async function textFrom(pair: Pair, prompt: string, tokens: number): Promise<TokenId[]> {
  if (tokens === 0) return pair.target.tokenizer.encode(prompt);
  const text: TokenId[] = [];
  const settings = { strategy: 'autoregressive', maxTokens: tokens, seed: 1, ignoreEos: false } as const;
  for await (const event of generate(pair, prompt, settings, { threads: 1 })) {
    if (event.type === 'start') text.push(...event.promptTokens);
    if (event.type === 'end') text.push(...event.result.tokens);
  }
  return text;
}

/** Returns the number of places of a text at which both have the same likeliest token, for each distance. */
async function agreements(pair: Pair, text: readonly TokenId[]): Promise<number[]> {
  const cache = await openCache(pair, {
    capacity: text.length,
    targetSequences: 1,
    draftSequences: 1,
    draftLength: AHEAD,
    usesHead: true,
    threads: 1,
  });
  try {
    const likeliest: (TokenId | undefined)[] = []; // of the target, after so many tokens of the text
    const foretold: TokenId[][] = [];
    const prefix: TokenId[] = [];
    for (const token of text) {
      prefix.push(token);
      cache.rollback(prefix);
      const ahead = text.slice(prefix.length, prefix.length + AHEAD - 1);
      const guesses = ahead.map((token, i): DraftNode => ({ token, parent: i - 1, q: UNUSED }));
      const ofHead: TokenId[] = [];
      for (const node of [ROOT, ...guesses.keys()])
        ofHead.push((await cache.draft!.evaluate(prefix, guesses, [node], FIRST))[0]!.tokens[0]!);
      foretold.push(ofHead);
      likeliest.push((await cache.target.evaluate(prefix, [], [ROOT], FIRST))[0]!.tokens[0]!);
    }
    return Array.from(
      { length: AHEAD },
      (_, i) =>
        foretold.slice(0, text.length - AHEAD).filter((row, at) => row[i] === likeliest[at + i]).length,
    );
  } finally {
    await cache.dispose();
  }
}
