import type { TokenId } from '../../types.js';
import { isControlToken, type Vocabulary } from './vocabulary.js';

/** A control token, and its name. */
interface ControlToken {
  readonly token: TokenId;
  readonly name: string;
  /** Whether blank space before the token is dropped. */
  readonly lstrip: boolean;
  /** Whether blank space behind the token is dropped. */
  readonly rstrip: boolean;
}

/** The control tokens of a vocabulary, recognised in a text by the same rules as llama.cpp's. */
export class ControlTokens {
  readonly #byName: ReadonlyMap<string, ControlToken>;
  /** By first letter: the lengths of names, longest first. Some vocabularies have tens of thousands of names. */
  readonly #lengths = new Map<string, readonly number[]>();
  readonly #initials: RegExp;

  constructor(vocabulary: Vocabulary) {
    const found = vocabulary.names.flatMap((name, token): ControlToken[] => {
      if (name === '' || !isControlToken(vocabulary, token)) return [];
      const { lstrip, rstrip } = vocabulary.attributesOf(token);
      return [{ token, name, lstrip, rstrip }];
    });
    this.#byName = new Map(found.map((one) => [one.name, one]));
    const lengths = new Map<string, Set<number>>();
    for (const { name } of found)
      lengths.set(name[0]!, (lengths.get(name[0]!) ?? new Set()).add(name.length));
    for (const [letter, all] of lengths)
      this.#lengths.set(
        letter,
        [...all].sort((a, b) => b - a),
      );
    const codes = [...lengths.keys()].map((letter) => letter.charCodeAt(0).toString(16).padStart(4, '0'));
    this.#initials = new RegExp(`[${codes.map((code) => `\\u${code}`).join('')}]`, 'g');
  }

  /** @returns the text with each spelling of a control token changed */
  replace(text: string, change: (name: string) => string): string {
    return this.split(text, false)
      .map(({ part, name }) => (name === undefined ? `${part}` : change(name)))
      .join('');
  }

  /** @returns the text with each letter changed that a spelling may begin with */
  replaceInitials(text: string, change: (letter: string) => string): string {
    return text.replace(this.#initials, change);
  }

  /**
   * @returns the text cut at every spelling: words, and tokens between them; `at` is the index of each in the text
   * @param strips whether blank space around tokens is dropped, as their attributes say
   */
  split(
    text: string,
    strips = true,
  ): { readonly at: number; readonly part: string | TokenId; readonly name?: string }[] {
    const parts: { at: number; part: string | TokenId; name?: string }[] = [];
    let begin = 0;
    let before: ControlToken | undefined;
    const words = (end: number, behind: ControlToken | undefined) => {
      let [at, part] = [begin, text.slice(begin, end)];
      if (strips && before?.rstrip) {
        const rest = part.replace(/^[ \t-\r]+/, '');
        [at, part] = [at + part.length - rest.length, rest];
      }
      if (strips && behind?.lstrip) part = part.replace(/[ \t-\r]+$/, '');
      if (part !== '') parts.push({ at, part });
    };
    for (let at = 0; at < text.length; at++) {
      const found = this.#foundAt(text, at);
      if (!found) continue;
      words(at, found);
      parts.push({ at, part: found.token, name: found.name });
      begin = at + found.name.length;
      before = found;
      at = begin - 1;
    }
    words(text.length, undefined);
    return parts;
  }

  #foundAt(text: string, at: number): ControlToken | undefined {
    for (const length of this.#lengths.get(text[at]!) ?? []) {
      const found = this.#byName.get(text.slice(at, at + length));
      if (found) return found;
    }
    return undefined;
  }
}
