/** What each kind of vocabulary cannot say, by rule: all else must come back from its tokens. */
import { byteLevelName } from '../src/engine/llama/token-bytes.js';
import type { Vocabulary } from '../src/engine/llama/vocabulary.js';

/** What became of a text: it came back; but for its spelling; but for some of it; as another, which no rule allows. */
export type Fate = 'exact' | 'normalised' | 'lost' | 'changed';

export const LOSSES = {
  'byte-level': 'nothing is lost, except characters with a byte that the vocabulary has no token for',
  sentencepiece: 'the sign U+2581 is read as the space that it stands for',
  wordpiece:
    'small letters without accents; no control characters; spaces around signs; words with anything unknown are lost',
  unigram: 'characters of the same meaning become one (NFKC), spaces as well; what is unknown is lost',
} as const;

export function kindOf({ kind, isByteLevel }: Vocabulary): keyof typeof LOSSES {
  if (kind === 'wpm') return 'wordpiece';
  if (kind === 'ugm') return 'unigram';
  return isByteLevel ? 'byte-level' : 'sentencepiece';
}

/** @param names of the vocabulary's tokens, as its file has them */
export function fateOf(
  text: string,
  decoded: string,
  kind: keyof typeof LOSSES,
  names: readonly string[],
): Fate {
  if (decoded === text) return 'exact';
  switch (kind) {
    case 'byte-level':
      return decoded === withoutUnknownBytes(text, new Set(names)) ? 'lost' : 'changed';
    case 'sentencepiece':
      return decoded === text.replaceAll('\u2581', ' ') ? 'normalised' : 'changed';
    case 'wordpiece':
      return fateOfLetters(bare(text.normalize('NFD').toLowerCase()), bare(decoded));
    case 'unigram':
      return fateOfLetters(bare(text.normalize('NFKD')), bare(decoded.normalize('NFKD')));
  }
}

function withoutUnknownBytes(text: string, names: ReadonlySet<string>): string {
  const isKnown = (character: string) =>
    [...Buffer.from(character)].every((byte) => names.has(byteLevelName(byte)));
  return [...text].filter(isKnown).join('');
}

/** Without spaces, control characters and accents that stand by themselves. */
const bare = (text: string) => text.replace(/[\s\p{C}\p{Mn}]/gu, '');

/** Letters may be missing, but none may come in addition. */
function fateOfLetters(before: string, after: string): Fate {
  let place = 0;
  for (const letter of after) {
    const found = before.indexOf(letter, place);
    if (found === -1) return 'changed';
    place = found + letter.length;
  }
  return after === before ? 'normalised' : 'lost';
}
