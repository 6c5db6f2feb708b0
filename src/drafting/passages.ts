import type { Prefix, TokenId } from '../types.js';

/** Tokens that an earlier passage must share with the end of the text, at most. */
const LONGEST = 3;

/** Tokens in 21 bits: more than any vocabulary has. */
const TOKEN_RANGE = 2 ** 21;

/** The slot of the passage without a token. */
const EMPTY = 0;

/**
 * Where a growing text last came to which words. A slot is a passage of one to three tokens, and knows the position
 * behind its last occurrence; each occurrence has a link to the one before. So a token is put in its place once, and
 * taken out again once where another text goes on otherwise: a step costs what it adds, and a question of a conversation
 * costs the question and one comparison of what stands before it.
 */
export class Passages {
  #text: Prefix = []; // appended to by its owner, otherwise left alone
  #indexed = 0; // positions that passages may end before
  #slots = new Map<number, number>(); // by the slot of the passage one token shorter and the token that stands before it
  #ends = [0]; // per slot, 0 = the passage occurs no more
  #links: number[] = []; // per position and length of a passage, the end of the occurrence before

  /**
   * The position behind the last earlier occurrence of the longest possible end of the text, of three tokens at most; the
   * text's length if there is none.
   * @param guessed tokens that the text is thought to go on with: the end is that of both together
   */
  afterLastOccurrence(text: Prefix, guessed: readonly TokenId[] = []): number {
    this.#follow(text);
    const length = text.length + guessed.length;
    let found = text.length;
    let slot = EMPTY;
    for (let n = 1; n <= LONGEST && n <= length; n++) {
      const token = guessed[guessed.length - n] ?? text[length - n]!;
      slot = this.#slots.get(keyOf(slot, token)) ?? EMPTY;
      if (this.#ends[slot] === 0) break; // as of the empty passage
      found = this.#ends[slot]!;
    }
    return found;
  }

  /** Forgets what is not in this text, and learns what is new in it. */
  #follow(text: Prefix): void {
    const common = this.#commonWith(text);
    if (2 * common < this.#indexed) this.#clear(); // less is left than would have to go
    const kept = Math.min(common + 1, text.length); // the whole text's own end is no earlier passage
    while (this.#indexed > kept) {
      this.#indexed -= 1;
      this.#forget(this.#indexed);
    }
    this.#text = text;
    while (this.#indexed < text.length) this.#add(this.#indexed++);
  }

  /** Tokens in common with what is indexed; of a text that became shorter in place nobody knows what was there. */
  #commonWith(text: Prefix): number {
    if (text === this.#text) return text.length < this.#indexed ? 0 : text.length;
    let n = 0;
    while (n < this.#indexed && n < text.length && text[n] === this.#text[n]) n++;
    return n;
  }

  #add(position: number): void {
    for (const [i, slot] of this.#slotsBefore(position).entries()) {
      this.#links[LONGEST * position + i] = this.#ends[slot]!;
      this.#ends[slot] = position;
    }
  }

  #forget(position: number): void {
    for (const [i, slot] of this.#slotsBefore(position).entries())
      this.#ends[slot] = this.#links[LONGEST * position + i]!;
  }

  /** The passages that end before this position, the shortest first. */
  #slotsBefore(position: number): number[] {
    const slots: number[] = [];
    for (let n = 1; n <= LONGEST && n <= position; n++) {
      const key = keyOf(slots.at(-1) ?? EMPTY, this.#text[position - n]!);
      const known = this.#slots.get(key);
      const slot = known ?? this.#ends.push(0) - 1;
      if (known === undefined) this.#slots.set(key, slot);
      slots.push(slot);
    }
    return slots;
  }

  #clear(): void {
    this.#indexed = 0;
    this.#slots = new Map();
    this.#ends = [0];
    this.#links = [];
  }
}

function keyOf(slot: number, token: TokenId): number {
  return slot * TOKEN_RANGE + token;
}
