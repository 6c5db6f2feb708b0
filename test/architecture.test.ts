import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

/** What each room of src/ may import from, besides itself: rooms, or single files. */
const ALLOWED: Record<string, string> = {
  'types.ts': '',
  'errors.ts': '',
  'version.ts': '',
  'koffi-stack.ts': '',
  sampling: 'types.ts',
  'draft-tree.ts': 'sampling types.ts',
  verification: 'draft-tree.ts sampling types.ts',
  drafting: 'draft-tree.ts sampling types.ts',
  templates: 'errors.ts',
  engine: 'koffi-stack.ts templates types.ts errors.ts',
  cache: 'sampling engine/engine.ts draft-tree.ts types.ts',
  decoding: 'cache drafting draft-tree.ts sampling types.ts',
  strategies: 'cache decoding drafting verification sampling types.ts',
  metrics: 'decoding types.ts',
  models: 'engine templates errors.ts types.ts',
  generation:
    'models metrics strategies decoding cache draft-tree.ts sampling templates engine/engine.ts errors.ts types.ts',
  energy: 'koffi-stack.ts',
  benchmark:
    'energy generation templates models metrics strategies verification decoding cache draft-tree.ts sampling engine version.ts errors.ts types.ts',
  cli: 'benchmark templates engine/engine.ts generation models metrics strategies version.ts errors.ts types.ts',
  'index.ts':
    'benchmark cache generation templates models metrics strategies decoding drafting sampling engine/engine.ts errors.ts types.ts',
};

const FILES = (readdirSync('src', { recursive: true }) as string[])
  .map((file) => file.replaceAll('\\', '/'))
  .filter((file) => file.endsWith('.ts'));
const roomOf = (file: string) => file.split('/')[0]!;
const source = (file: string) => readFileSync(`src/${file}`, 'utf8');
const imports = (file: string) =>
  [...source(file).matchAll(/from '(.+)'|import\('(.+)'\)/g)].map(([, a, b]) => a ?? b!);

/** The file of src/ that a relative import names. */
const resolved = (file: string, path: string) =>
  new URL(path, `file:///${file}`).pathname.slice(1).replace(/\.js$/, '.ts');

describe('src', () => {
  it.each(FILES)('%s imports only from rooms that its own may know', (file) => {
    const allowed = [roomOf(file), ...ALLOWED[roomOf(file)]!.split(' ')];
    for (const path of imports(file).filter((path) => path.startsWith('.')))
      expect(allowed).toContain(
        allowed.find((one) => `${resolved(file, path)}/`.startsWith(`${one}/`)) ?? path,
      );
  });

  it('uses the library that runs models in engine and models alone', () => {
    const users = FILES.filter((file) => imports(file).includes('node-llama-cpp')).map(roomOf);
    expect([...new Set(users)].sort()).toEqual(['engine', 'models']);
  });

  it('prints in cli alone', () => {
    const printers = FILES.filter((file) => /\bconsole\b|process\.std(out|err)/.test(source(file)));
    expect([...new Set(printers.map(roomOf))]).toEqual(['cli']);
  });

  it('takes chance and time from outside: no room of algorithms tosses or reads a clock', () => {
    const pure = /^(sampling|verification|drafting|cache|decoding|strategies|metrics)\//;
    for (const file of FILES.filter((file) => pure.test(file)))
      expect(source(file)).not.toMatch(/Math\.random|Date\.now|performance\.|new Date/);
  });
});
