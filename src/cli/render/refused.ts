import type { Step } from '../../decoding/loop.js';
import type { Tokenizer } from '../../engine/port.js';
import { likeliestLeaf, pathTo } from '../../math/draft-tree.js';
import type { TextPiece } from '../../text/text-stream.js';
import { harmless } from '../harmless.js';

/** A piece of a text, or guesses that are no part of it. */
export interface ShownPiece extends TextPiece {
  readonly isRefused?: true;
}

/** Returns the likeliest guesses of a step as far as the target refused them, in one line; '': there are none. */
export function refusedText({ draft, path, next }: Step, tokenizer: Tokenizer): string {
  if (next === undefined) return ''; // the text ended, and not by a refusal
  const kept = new Set(path);
  const refused = pathTo(draft, likeliestLeaf(draft)).filter((node) => !kept.has(node));
  const tokens = refused.map((node) => draft[node]!.token);
  return harmless(tokenizer.decode(tokens, tokens.slice(0, 1))).replaceAll(/\r?\n/g, '↵');
}

/** Puts guesses that were refused in front of the token that the target chose instead. Reasoning is left as it is. */
export function withRefused(pieces: readonly TextPiece[], text: string): readonly ShownPiece[] {
  const place = pieces.findIndex(({ drafted }) => !drafted);
  const at = place < 0 ? pieces.length : place;
  const beside = pieces[at] ?? pieces.at(-1);
  if (text === '' || !beside || beside.isReasoning) return pieces;
  const refused: ShownPiece = { text, isReasoning: false, drafted: true, isRefused: true };
  return [...pieces.slice(0, at), refused, ...pieces.slice(at)];
}
