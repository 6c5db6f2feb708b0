import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

const INDEX = ['index', 'internals'].map((name) => readFileSync(`src/${name}.ts`, 'utf8')).join('\n');

/** What the library gives to its users, with the file that says what it is. */
const EXPORTS = [...INDEX.matchAll(/export (?:type )?\{([^}]*)\} from '\.\/(.*)\.js'/g)].flatMap(
  ([, names, file]) =>
    names!
      .split(',')
      .map((name) => name.trim().replace(/^type /, ''))
      .filter((name) => name !== '')
      .map((name) => ({ name, file: `src/${file}.ts` })),
);

describe('the library', () => {
  it('gives out something', () => {
    expect(EXPORTS.length).toBeGreaterThan(50);
  });

  it.each(EXPORTS)('says of $name what it is', ({ name, file }) => {
    // The file passes it on or documents it.
    const declaration = String.raw`export (?:declare )?(?:abstract )?(?:async )?(?:type|interface|class|const|function\*?) ${name}\b`;
    const source = readFileSync(file, 'utf8');
    expect(source).toMatch(
      new RegExp(String.raw`(?:\*/\n${declaration})|(?:export type \{[^}]*\b${name}\b)`),
    );
  });
});
