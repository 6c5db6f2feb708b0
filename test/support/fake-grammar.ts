import type { GrammarState } from '../../src/engine/port.js';
import type { TokenId } from '../../src/types.js';
import { END, isEnd } from './fake-model.js';

/**
 * A grammar over the fake vocabulary whose states depend on the whole text: no token may follow itself, the n-th token is
 * not n modulo 3, and the end comes after two tokens or more. What comes after a token that is not allowed matters to
 * nobody, so everything is allowed there.
 */
export function fakeGrammar(text: readonly TokenId[] = []): GrammarState {
  const isComplete = text.length >= 2;
  const allows = (token: TokenId) =>
    isEnd(token) ? isComplete : token !== text.at(-1) && token !== text.length % 3;
  return {
    isComplete,
    allows,
    after: (token) => (token === END || !allows(token) ? NOWHERE : fakeGrammar([...text, token])),
  };
}

const NOWHERE: GrammarState = { isComplete: true, allows: () => true, after: () => NOWHERE };

/** Whether a text, or what it begins with, obeys that grammar. */
export function obeys(text: readonly TokenId[]): boolean {
  return text.every((token, i) => fakeGrammar(text.slice(0, i)).allows(token));
}
