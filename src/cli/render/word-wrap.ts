import stringWidth from 'string-width';

/** Colours a text. */
export type Paint = (text: string) => string;

/** Narrower terminals break lines themselves. */
const NARROWEST = 20;

const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/** Characters of Chinese and Japanese that begin no line. */
const NEVER_FIRST = /^[\p{Pe}\p{Pf}、。，．・：；？！…‥ー々〜ぁぃぅぇぉっゃゅょァィゥェォッャュョ]/u;

/** A part of a line that is not broken. */
interface Unit {
  readonly kind: 'word' | 'wide' | 'space' | 'break';
  text: string;
}

interface Piece {
  readonly text: string;
  readonly paint: Paint;
}

/**
 * Breaks the lines of a text between words, while the text comes in pieces. The last word is held back until its end is
 * known. A word that is wider than a line is left to the terminal, as it comes.
 */
export class WordWrap {
  readonly #columns: () => number;
  /** The end of the text, whose last unit may go on. */
  #held: Piece[] = [];
  /** Columns of the line that are written. */
  #column = 0;
  /** Spaces that are written with the next word, if that has room behind them. Those at the end of a line are dropped. */
  #spaces: Piece[] = [];
  /** What is written in part: a word that is wider than a line. */
  #within: Unit['kind'] | undefined;

  /** @param columns the width of the terminal, which may change */
  constructor(columns: () => number) {
    this.#columns = columns;
  }

  /** Returns the text that can be written now. The texts of all calls do not depend on where a text is cut into pieces. */
  next(text: string, paint: Paint): string {
    if (text === '') return '';
    if (this.#columns() < NARROWEST) return this.end() + paint(text);
    this.#held.push({ text, paint });
    const units = this.#units();
    const last = units.at(-1)!;
    if (last.kind === 'break') return units.map((unit) => this.#put(unit)).join('');
    const ready = units.slice(0, -1).map((unit) => this.#put(unit));
    if (last.kind === 'space' || this.#within || stringWidth(last.text) > this.#columns()) {
      const begun = [...graphemes.segment(last.text)].slice(0, -1).map(({ segment }) => segment);
      ready.push(this.#put({ kind: last.kind, text: begun.join('') }, last.text));
      this.#within = last.kind === 'space' ? undefined : last.kind;
    }
    return ready.join('');
  }

  /** Tells that the cursor has gone to the beginning of a line. */
  atLineStart(): void {
    this.#column = 0;
    this.#spaces = [];
  }

  /** @returns what was held back */
  end(): string {
    const rest = this.#units()
      .map((unit) => this.#put(unit))
      .join('');
    const spaces = painted(this.#spaces);
    this.#spaces = [];
    return rest + spaces;
  }

  /** What is held; first, where a part of a word is written, what goes on with it. */
  #units(): Unit[] {
    const text = this.#held.map((piece) => piece.text).join('');
    return unitsOf(text, this.#within && { kind: this.#within, text: '' });
  }

  /** @param whole the word that a text begins, which needs room as a whole */
  #put({ kind, text }: Unit, whole = text): string {
    const pieces = this.#take(text.length);
    const isWithinWord = this.#within !== undefined;
    this.#within = undefined;
    if (kind === 'space') {
      this.#spaces.push(...pieces);
      return '';
    }
    if (kind === 'break') {
      this.atLineStart();
      return painted(pieces);
    }
    const columns = this.#columns();
    const [gap, width] = [widthAt(this.#column, this.#spaces), stringWidth(text)];
    const isBroken = this.#column > 0 && !isWithinWord && this.#column + gap + stringWidth(whole) > columns;
    const before = isBroken ? '\n' : painted(this.#spaces);
    const column = (isBroken ? 0 : this.#column + gap) + width;
    this.#column = column <= columns ? column : ((column - 1) % columns) + 1;
    this.#spaces = [];
    return before + painted(pieces);
  }

  /** Takes characters from the beginning of what is held. */
  #take(length: number): Piece[] {
    const taken: Piece[] = [];
    for (let left = length; left > 0; ) {
      const { text, paint } = this.#held.shift()!;
      taken.push({ text: text.slice(0, left), paint });
      if (text.length > left) this.#held.unshift({ text: text.slice(left), paint });
      left -= Math.min(left, text.length);
    }
    return taken;
  }
}

function unitsOf(text: string, first: Unit | undefined): Unit[] {
  const units: Unit[] = first ? [first] : [];
  for (const { segment } of graphemes.segment(text)) {
    const kind = kindOf(segment);
    const last = units.at(-1);
    const goesOn = kind === last?.kind && (kind === 'word' || kind === 'space');
    const isGlued = NEVER_FIRST.test(segment) && (last?.kind === 'wide' || last?.kind === 'word');
    if (last && (goesOn || isGlued)) last.text += segment;
    else units.push({ kind, text: segment });
  }
  return units;
}

function kindOf(grapheme: string): Unit['kind'] {
  if (/^\r?\n$/.test(grapheme)) return 'break';
  if (/^[ \t]/.test(grapheme)) return 'space'; // other spaces are there to hold words together
  return stringWidth(grapheme) > 1 ? 'wide' : 'word';
}

/** The columns that spaces take; a tab goes to the next multiple of eight. */
function widthAt(column: number, spaces: readonly Piece[]): number {
  let end = column;
  for (const character of spaces.map(({ text }) => text).join(''))
    end = character === '\t' ? (Math.floor(end / 8) + 1) * 8 : end + 1;
  return end - column;
}

function painted(pieces: readonly Piece[]): string {
  return pieces.map(({ text, paint }) => paint(text)).join('');
}
