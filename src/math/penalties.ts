import { type Draft, type NodeIndex, type Prefix, ROOT, type TokenId, type TopLogits } from '../types.js';

/** Penalties on tokens that the text has used, by llama.cpp's formula. They make these tokens less likely, or likelier. */
export interface Penalties {
  /** > 0; 1 = off. Positive logits are divided by it, other logits multiplied. */
  readonly repeat: number;
  /** Subtracted from the logit; 0 = off. */
  readonly presence: number;
  /** Subtracted for each time that the token occurs; 0 = off. */
  readonly frequency: number;
  /** Number of last tokens that count, prompt included, >= 1; Infinity = all. */
  readonly last: number;
}

/** The same penalties as settings, under llama.cpp's names. */
export interface PenaltySettings {
  /** > 0. */
  readonly repeatPenalty: number;
  /** Integer >= -1; 0 = off, -1 = the whole text. */
  readonly repeatLastN: number;
  readonly presencePenalty: number;
  readonly frequencyPenalty: number;
}

/** @returns undefined where no token is penalised */
export function penaltiesOf(settings: PenaltySettings): Penalties | undefined {
  const { repeatPenalty: repeat, presencePenalty: presence, frequencyPenalty: frequency } = settings;
  const last = settings.repeatLastN === -1 ? Infinity : settings.repeatLastN;
  const isOff = last === 0 || (repeat === 1 && presence === 0 && frequency === 0);
  return isOff ? undefined : { repeat, presence, frequency, last };
}

/** Returns whether a penalty can raise a logit. */
export function canRaise({ repeat, presence, frequency }: Penalties): boolean {
  return repeat < 1 || presence < 0 || frequency < 0;
}

/** Returns the number of times that each token occurs among the last tokens of the text up to this node of a tree. */
export function recentTokens(
  prefix: Prefix,
  tree: Draft,
  node: NodeIndex,
  last: number,
): ReadonlyMap<TokenId, number> {
  const counts = new Map<TokenId, number>();
  const count = (token: TokenId) => counts.set(token, (counts.get(token) ?? 0) + 1);
  let left = last;
  for (let n = node; n !== ROOT && left > 0; n = tree[n]!.parent, left--) count(tree[n]!.token);
  for (let i = prefix.length - 1; i >= 0 && left > 0; i--, left--) count(prefix[i]!);
  return counts;
}

/**
 * Returns the logits after the penalties, in order again. Their log-sum-exp over the whole vocabulary stays that of the
 * model. Tokens without a penalty are in order already; the other tokens are sorted and merged with them.
 */
export function penalise(
  top: TopLogits,
  recent: ReadonlyMap<TokenId, number>,
  { repeat, presence, frequency }: Penalties,
): TopLogits {
  const moved: { token: TokenId; logit: number }[] = [];
  const tokens = new Int32Array(top.tokens.length);
  const logits = new Float64Array(tokens.length);
  let kept = 0; // tokens without a penalty, at the front
  for (const [i, token] of top.tokens.entries()) {
    const logit = top.logits[i]!;
    const count = recent.get(token);
    if (count === undefined) {
      tokens[kept] = token;
      logits[kept++] = logit;
    } else {
      const repeated = logit > 0 ? logit / repeat : logit * repeat;
      moved.push({ token, logit: repeated - presence - count * frequency });
    }
  }
  moved.sort((a, b) => b.logit - a.logit || a.token - b.token);
  // The merge begins at the end, so that every place is read before it is written.
  for (let place = tokens.length - 1; moved.length > 0; place--) {
    const { token, logit } = moved.at(-1)!;
    const isLast =
      kept === 0 || logit < logits[kept - 1]! || (logit === logits[kept - 1]! && token > tokens[kept - 1]!);
    if (isLast) moved.pop();
    else kept--;
    tokens[place] = isLast ? token : tokens[kept]!;
    logits[place] = isLast ? logit : logits[kept]!;
  }
  return {
    tokens,
    logits,
    get logSumExp() {
      return top.logSumExp; // computed when it is read
    },
  };
}
