/** Reads declarations of C: those of `layout.ts`, and those of llama.cpp's headers. */

/** A declaration of C, in parts. `type` is spelled as in the header. */
export interface Declared {
  readonly type: string;
  readonly name: string;
}

/** The fields of a struct's body; comments are dropped. */
export function fieldsOf(body: string): Declared[] {
  return withoutComments(body).split(';').slice(0, -1).map(declared);
}

/** The name, result and parameters of a function. */
export function signatureOf(prototype: string): Declared & { readonly parameters: readonly Declared[] } {
  const [head, rest] = prototype.replace(/\)[^)]*$/, '').split('(') as [string, string];
  const parameters = rest.trim() === 'void' ? [] : rest.split(',').map(declared);
  return { ...declared(head), parameters };
}

/** Text of a header without comments. */
export function withoutComments(text: string): string {
  return text.replace(/\/\/.*|\/\*[\s\S]*?\*\//g, '');
}

/** Splits `const char * name` behind the last star or space; every star stands alone, every space is one. */
function declared(text: string): Declared {
  const words = text.replace(/\*/g, ' * ').trim().split(/\s+/);
  return { type: words.slice(0, -1).join(' '), name: words.at(-1)! };
}
