/**
 * Sends hard texts through every vocabulary that llama.cpp brings along (models/ggml-vocab-*.gguf): does the text come
 * token by token as it comes at once, and does it come back as it was? Prints a table; exit code 1 where not. Needs git.
 *   npm run check:vocabularies
 */
import { readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { markdownTable } from 'markdown-table';
import { tokenizerOf } from '../src/engine/llama/tokenizer.js';
import type { Vocabulary } from '../src/engine/llama/vocabulary.js';
import { createRng } from '../src/math/rng.js';
import { Detokenizer } from '../src/text/detokenizer.js';
import type { TokenId } from '../src/types.js';
import { withBundledFiles } from './llama-bundle.js';
import { openVocabulary } from './open-vocabulary.js';
import { type Fate, fateOf, kindOf, LOSSES } from './vocabulary-losses.js';
import { HARD_TEXTS, randomText, shuffled } from './vocabulary-texts.js';

const RANDOM_TEXTS = 300;
const RANDOM_LENGTH = 40; // code points
const SEED = 1;

export const VOCABULARIES = 'models/ggml-vocab-*.gguf';

export interface VocabularyReport {
  readonly name: string;
  readonly kind: keyof typeof LOSSES;
  readonly size: number; // tokens of the vocabulary
  readonly texts: number;
  readonly tokens: number; // of all texts
  /** Pieces shown that hold U+FFFD, which is in none of the texts. */
  readonly brokenPieces: number;
  /** Texts that came otherwise token by token than at once, and sequences of their tokens in any order. */
  readonly streamedOtherwise: readonly string[];
  readonly fates: Readonly<Record<Fate, number>>;
  /** Texts of which another came back, for no reason that LOSSES names. */
  readonly changed: readonly string[];
}

/** @param randomTexts how many, beside the hard ones that are always tried */
export function checkVocabulary(
  name: string,
  vocabulary: Vocabulary,
  randomTexts = RANDOM_TEXTS,
): VocabularyReport {
  const tokenizer = tokenizerOf(vocabulary);
  const rng = createRng(SEED);
  const kind = kindOf(vocabulary);
  const { names } = vocabulary;
  const texts = [...HARD_TEXTS, ...Array.from({ length: randomTexts }, () => randomText(rng, RANDOM_LENGTH))];
  const start = tokenizer.encode('');
  const piecesOf = (tokens: readonly TokenId[]) => {
    const detokenizer = new Detokenizer(tokenizer, start);
    return [...tokens.map((token) => detokenizer.push(token)), detokenizer.flush()];
  };
  let [tokenCount, brokenPieces] = [0, 0];
  const fates: Record<Fate, number> = { exact: 0, normalised: 0, lost: 0, changed: 0 };
  const streamedOtherwise: string[] = [];
  const changed: string[] = [];
  for (const text of texts) {
    const tokens = tokenizer.encode(text).slice(start.length);
    for (const sequence of [tokens, shuffled(tokens, rng)])
      if (piecesOf(sequence).join('') !== tokenizer.decode(sequence, start)) streamedOtherwise.push(text);
    tokenCount += tokens.length;
    brokenPieces += piecesOf(tokens).filter((piece) => piece.includes('\uFFFD')).length;
    const fate = fateOf(text, tokenizer.decode(tokens, start), kind, names);
    fates[fate]++;
    if (fate === 'changed') changed.push(text);
  }
  return {
    name,
    kind,
    size: names.length,
    texts: texts.length,
    tokens: tokenCount,
    brokenPieces,
    streamedOtherwise,
    fates,
    changed,
  };
}

function checkVocabularies(): Promise<VocabularyReport[]> {
  return withBundledFiles([VOCABULARIES], async (folder) => {
    const reports: VocabularyReport[] = [];
    for (const file of (await readdir(join(folder, 'models'))).sort()) {
      const { vocabulary, dispose } = await openVocabulary(join(folder, 'models', file));
      reports.push(checkVocabulary(basename(file, '.gguf').replace('ggml-vocab-', ''), vocabulary));
      await dispose();
    }
    return reports;
  });
}

function tableOf(reports: readonly VocabularyReport[]): string {
  const head =
    'vocabulary,kind,size,texts,tokens,broken pieces,streamed otherwise,exact,normalised,lost,changed';
  const rows = reports.map(({ name, kind, size, texts, tokens, brokenPieces, streamedOtherwise, fates }) => [
    name,
    kind,
    ...[size, texts, tokens, brokenPieces, streamedOtherwise.length].map(String),
    ...Object.values(fates).map(String),
  ]);
  return markdownTable([head.split(','), ...rows], { align: ['l', 'l', ...Array(9).fill('r')] });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const reports = await checkVocabularies();
  process.stdout.write(`${tableOf(reports)}\n\n`);
  for (const [kind, loss] of Object.entries(LOSSES)) process.stdout.write(`${kind}: ${loss}\n`);
  if (reports.some(({ streamedOtherwise, changed }) => streamedOtherwise.length + changed.length > 0))
    process.exitCode = 1;
}
