/**
 * How long one search for the next guess takes, in microseconds, in a corpus and in the text so far:
 *   npm run bench:search -- notes.corpus [held-out.corpus] [--searches 20000]
 * `mtad learn` makes both files; the second holds texts that are to be written, and is the first where it is left out. Each
 * search is that of a guess: all tokens of the text before are known. The machine should have nothing else to do.
 */
import { parseArgs } from 'node:util';
import { quantileSorted } from 'simple-statistics';
import { corpusTokens } from '../src/drafting/corpus-tokens.js';
import type { NextTokens } from '../src/drafting/drafter.js';
import { lookupTokens } from '../src/drafting/lookup.js';
import { readCorpus } from '../src/models/corpus-file.js';
import { ROOT } from '../src/types.js';
import { positive, runScript } from './arguments.js';

/** Tokens that a text grows to: a search comes behind each of them. */
const LENGTH = 2048;

/** Searches before those that count, since code is slow until it is compiled. */
const WARM_UP = 2000;

const { values, positionals } = parseArgs({
  options: { searches: { type: 'string', default: '20000' } },
  allowPositionals: true,
});

await runScript(async () => {
  const [path, written] = positionals;
  if (path === undefined)
    throw new RangeError('Which corpus? npm run bench:search -- notes.corpus [held-out.corpus]');
  const corpus = await readCorpus(path);
  const { tokens } = await readCorpus(written ?? path);
  const searches = positive('searches', values.searches);
  const source = written ? `of ${written}` : 'of the corpus, which is asked for its own text';
  const sampling = { temperature: 1, topK: 10, topP: 0.9 };
  process.stdout.write(
    `${corpus.tokens.length} tokens in the corpus, ${searches} searches behind texts of up to ${LENGTH} tokens ${source}\n`,
  );
  await report('corpus', corpusTokens(corpus, sampling), tokens, searches);
  await report('lookup', lookupTokens(), tokens, searches);
});

/** Prints what a search of this source takes behind each token of texts, one text after another. */
async function report(name: string, next: NextTokens, tokens: ArrayLike<number>, searches: number) {
  const times: number[] = [];
  let found = 0;
  let text: number[] = [];
  for (let i = 0; i < WARM_UP + searches; i++) {
    if (text.length === LENGTH) text = [];
    text.push(tokens[i % tokens.length]!);
    const started = process.hrtime.bigint();
    const [q] = await next(text, [], [ROOT]);
    const microseconds = Number(process.hrtime.bigint() - started) / 1000;
    if (i < WARM_UP) continue;
    times.push(microseconds);
    if (q!.tokens.length > 0) found += 1;
  }
  times.sort((a, b) => a - b);
  const mean = times.reduce((a, b) => a + b, 0) / times.length;
  const at = (share: number) => quantileSorted(times, share).toFixed(1);
  const share = ((100 * found) / times.length).toFixed(0);
  process.stdout.write(
    `${name}: mean ${mean.toFixed(1)} us, median ${at(0.5)}, 99 % ${at(0.99)}; found something in ${share} %\n`,
  );
}
