import type { LlamaModel, Token } from 'node-llama-cpp';
import type { TokenId } from '../types.js';

/** Whether a token is no text: its name stands for nothing that is written. */
export function isControlToken(model: LlamaModel, token: TokenId): boolean {
  const { control, unknown } = model.getTokenAttributes(token as Token);
  return control || unknown;
}

/** Such a token, and its name. */
interface ControlToken {
  readonly token: TokenId;
  readonly name: string;
  readonly lstrip: boolean; // whether it swallows blank space before it
  readonly rstrip: boolean; // and behind it
}

/** The control tokens of a vocabulary, as llama.cpp recognises them in a text where it is asked to. */
export class ControlTokens {
  readonly #byName: ReadonlyMap<string, ControlToken>;
  readonly #names: RegExp | undefined;

  constructor(model: LlamaModel) {
    const names: readonly string[] = model.fileInfo.metadata.tokenizer?.ggml?.tokens ?? [];
    const found = names.flatMap((name, token): ControlToken[] => {
      if (name === '' || !isControlToken(model, token)) return [];
      const { lstrip, rstrip } = model.getTokenAttributes(token as Token);
      return [{ token, name, lstrip, rstrip }];
    });
    this.#byName = new Map(found.map((one) => [one.name, one]));
    const longestFirst = [...this.#byName.keys()].sort((a, b) => b.length - a.length);
    const escaped = longestFirst.map((name) => name.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&'));
    this.#names = escaped.length > 0 ? new RegExp(escaped.join('|'), 'gu') : undefined;
  }

  /** The token that is spelled so; undefined = none. */
  named(name: string): TokenId | undefined {
    return this.#byName.get(name)?.token;
  }

  /** The same text, each spelling in it changed. */
  replace(text: string, change: (name: string) => string): string {
    return this.#names ? text.replace(this.#names, change) : text;
  }

  /** The text cut at every spelling: words, and tokens between them. `at` is where in the text each begins. */
  split(text: string): { readonly at: number; readonly part: string | TokenId }[] {
    const parts: { at: number; part: string | TokenId }[] = [];
    let begin = 0;
    let before: ControlToken | undefined;
    const words = (end: number, behind: ControlToken | undefined) => {
      let [at, part] = [begin, text.slice(begin, end)];
      if (before?.rstrip) {
        const rest = part.replace(/^[ \t-\r]+/, '');
        [at, part] = [at + part.length - rest.length, rest];
      }
      if (behind?.lstrip) part = part.replace(/[ \t-\r]+$/, '');
      if (part !== '') parts.push({ at, part });
    };
    for (const match of this.#names ? text.matchAll(this.#names) : []) {
      const found = this.#byName.get(match[0])!;
      words(match.index, found);
      parts.push({ at: match.index, part: found.token });
      begin = match.index + match[0].length;
      before = found;
    }
    words(text.length, undefined);
    return parts;
  }
}
