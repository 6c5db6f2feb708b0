import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';

/**
 * The rooms of src/ from the ground up. A room imports from those below it, never from its own floor or above;
 * files that stand alone are on the ground.
 */
const FLOORS = [
  ['types.ts', 'errors.ts', 'version.ts', 'koffi-stack.ts', 'one-line.ts', 'user-folders.ts'],
  ['math', 'templates', 'energy', 'schema'],
  ['engine'],
  ['rules', 'drafting'],
  ['decoding'],
  ['tuning'],
  ['strategies', 'text', 'models'],
  ['generation'],
  ['trace', 'learning', 'client'],
  ['benchmark', 'serve'],
  ['tune', 'explain'],
  ['cli'],
  ['index.ts', 'internals.ts'],
];

/** Rooms of algorithms: they know the engine by its port alone. */
const ALGORITHMS = ['math', 'rules', 'drafting', 'decoding', 'tuning', 'strategies', 'text', 'generation'];

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

const ownImports = (file: string) =>
  imports(file)
    .filter((path) => path.startsWith('.'))
    .map((path) => resolved(file, path));

const importsOf = new Map(FILES.map((file) => [file, ownImports(file)]));

const floorOf = (file: string) => FLOORS.findIndex((rooms) => rooms.includes(roomOf(file)));

/** Files that import each other, also by way of others and for types alone: a group for each circle or knot of circles. */
function circles(files: readonly string[]): string[][] {
  const reach = new Map(files.map((file) => [file, reachedFrom(file)]));
  const groups = files.map((file) =>
    [...reach.get(file)!].filter((other) => reach.get(other)?.has(file)).sort(),
  );
  return [...new Map(groups.map((group) => [group.join(), group])).values()].filter(
    (group) => group.length > 0,
  );
}

function reachedFrom(file: string): Set<string> {
  const reached = new Set<string>();
  const waiting = [...importsOf.get(file)!];
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    if (reached.has(next)) continue;
    reached.add(next);
    waiting.push(...importsOf.get(next)!);
  }
  return reached;
}

describe('src', () => {
  it('has no circle of files that import each other', () => {
    expect(circles(FILES)).toEqual([]);
  });

  it.each(FILES)('%s imports only from its own room and from those below', (file) => {
    for (const other of ownImports(file))
      if (roomOf(other) !== roomOf(file)) expect(floorOf(other), other).toBeLessThan(floorOf(file));
  });

  it('knows the engine by its port in the rooms of algorithms', () => {
    const known = FILES.filter((file) => ALGORITHMS.includes(roomOf(file))).flatMap(ownImports);
    const asked = new Set(known.filter((file) => roomOf(file) === 'engine'));
    expect(asked).toEqual(new Set(['engine/port.ts', 'engine/passes.ts', 'engine/runtime-options.ts']));
  });

  it('has no arithmetic in strategies: a strategy asks drafters, rules and settings, and no log-probability', () => {
    const asked = FILES.filter((file) => roomOf(file) === 'strategies')
      .flatMap((file) => ownImports(file))
      .filter((file) => roomOf(file) === 'math');
    const allowed = ['math/sample.ts', 'math/sampling-settings.ts', 'math/truncate.ts'];
    expect([...new Set(asked)].sort()).toEqual(allowed);
  });

  it('uses the library that runs models in engine and models alone', () => {
    const users = FILES.filter((file) => imports(file).includes('node-llama-cpp')).map(roomOf);
    expect([...new Set(users)].sort()).toEqual(['engine', 'models']);
  });

  it('prints in cli alone', () => {
    const printers = FILES.filter((file) => /\bconsole\b|process\.std(out|err)/.test(source(file)));
    expect([...new Set(printers.map(roomOf))]).toEqual(['cli']);
  });

  it('touches streams, environment and exit code of the process in one file of cli', () => {
    const ofProcess = /process\.(std\w+|env|argv|exitCode)\b/;
    const users = FILES.filter((file) => roomOf(file) === 'cli' && ofProcess.test(source(file)));
    expect(users).toEqual(['cli/process.ts']);
  });

  it('takes chance and time from outside: no room of algorithms tosses or reads a clock', () => {
    const pure = /^(math|rules|drafting|decoding|strategies)\//;
    for (const file of FILES.filter((file) => pure.test(file)))
      expect(source(file)).not.toMatch(/Math\.random|Date\.now|performance\.|new Date/);
  });
});
