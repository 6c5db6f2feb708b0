/** Characters of a JSON string that stand for themselves. */
const PLAIN = String.raw`[ !#-[\]-~\u0080-\uD7FF\uE000-\U0010FFFF]`;

/** Any character of a JSON string, and any that stands on the same line. */
const ANY = `(${PLAIN} | "\\\\" ["\\\\bfnrt])`;
const OF_LINE = `(${PLAIN} | "\\\\" ["\\\\t])`;

/** Classes by their letters, as the inside of a class in GBNF. */
const CLASSES: ReadonlyMap<string, string> = new Map([
  ['d', '0-9'],
  ['w', 'a-zA-Z0-9_'],
  ['s', ' '], // line breaks and tabs would have to be escaped
]);

/** A pattern that no grammar can hold, with the part of it. */
export class PatternError extends Error {}

/**
 * Returns what a regular expression allows within a JSON string, in GBNF without the quotes.
 * @throws PatternError
 */
export function patternRule(pattern: string): string {
  const parser = new Parser(pattern.replace(/^\^/, '').replace(/(?<!\\)\$$/, ''));
  const inside = parser.alternatives();
  parser.expectEnd();
  const isOpen = pattern.includes('|'); // of which ^ and $ hold one alternative only
  const [begins, ends] = [pattern.startsWith('^'), /(?<!\\)\$$/.test(pattern)];
  if (isOpen && (begins || ends) && !/^\^\(.*\)\$$|^[^|]*$/.test(pattern))
    throw new PatternError('^ and $ beside |: put brackets around the alternatives');
  return [...(begins ? [] : [`${ANY}*`]), `(${inside})`, ...(ends ? [] : [`${ANY}*`])].join(' ');
}

/** A reader of the part of regular expressions that is regular: text, classes, brackets, alternatives, repetitions. */
class Parser {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  expectEnd(): void {
    if (this.#at < this.#text.length) this.#refuse(this.#text.slice(this.#at));
  }

  alternatives(): string {
    const parts = [this.#sequence()];
    while (this.#take('|')) parts.push(this.#sequence());
    return parts.join(' | ');
  }

  #sequence(): string {
    const parts: string[] = [];
    while (this.#at < this.#text.length && !'|)'.includes(this.#text[this.#at]!)) parts.push(this.#item());
    return parts.length === 0 ? '""' : parts.join(' ');
  }

  #item(): string {
    const atom = this.#atom();
    const times = /^(?:[*+?]|\{\d+(?:,\d*)?\})/.exec(this.#text.slice(this.#at))?.[0] ?? '';
    this.#at += times.length;
    if (times !== '') this.#take('?'); // the same texts, in another order
    return atom + times;
  }

  #atom(): string {
    const character = this.#text[this.#at++]!;
    if (character === '(') {
      if (this.#take('?') && !this.#take(':')) this.#refuse(`(?${this.#text[this.#at] ?? ''}`);
      const inside = this.alternatives();
      if (!this.#take(')')) this.#refuse('( without )');
      return `(${inside})`;
    }
    if (character === '[') return this.#class();
    if (character === '.') return OF_LINE;
    if (character === '\\') return this.#escaped();
    if ('^$*+?{'.includes(character)) this.#refuse(character);
    return literal(character);
  }

  #escaped(): string {
    const character = this.#text[this.#at++] ?? '';
    const known = CLASSES.get(character);
    if (known !== undefined) return `[${known}]`;
    if (/[a-zA-Z0-9]/.test(character) || character === '') this.#refuse(`\\${character}`);
    return literal(character);
  }

  #class(): string {
    const isNegated = this.#take('^');
    let inside = '';
    while (!this.#take(']')) {
      if (this.#at >= this.#text.length) this.#refuse('[ without ]');
      inside += this.#member(isNegated);
    }
    return isNegated ? `[^${inside}"\\\\\\x00-\\x1F\\x7F]` : `[${inside}]`;
  }

  #member(isNegated: boolean): string {
    const character = this.#text[this.#at++]!;
    if (character !== '\\') {
      if (character === '"' || !/[ -~]/.test(character))
        return isNegated && character === '"' ? '' : this.#refuse(character);
      return character === '-' || character !== '[' ? character : '\\[';
    }
    const next = this.#text[this.#at++] ?? '';
    const known = CLASSES.get(next);
    if (known !== undefined) return known;
    if (next === '\\') return isNegated ? '' : this.#refuse('\\\\');
    if (/[a-zA-Z0-9]/.test(next) || next === '') this.#refuse(`\\${next}`);
    return next === '-' ? '\\x2D' : `\\x${next.charCodeAt(0).toString(16).padStart(2, '0')}`;
  }

  #take(character: string): boolean {
    const isThere = this.#text[this.#at] === character;
    if (isThere) this.#at++;
    return isThere;
  }

  #refuse(part: string): never {
    throw new PatternError(`${JSON.stringify(part)} in it`);
  }
}

/** A character as JSON writes it in a string, as a literal of GBNF. */
function literal(character: string): string {
  const written = JSON.stringify(character).slice(1, -1);
  return `"${written.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}
