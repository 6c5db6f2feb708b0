import { type TestFunction, test } from 'vitest';

const IN_FULL = process.env.MTAD_TEST_ALL !== undefined;

/**
 * How many texts, seeds, cases or children a law is tried with: each day so few that a fault which the law is there for is
 * still found, and all of them by `npm run test:all`.
 */
export const tries = <T>(daily: T, all: T): T => (IN_FULL ? all : daily);

/** The first so many of all each day. */
export const firstOf = <T>(daily: number, all: readonly T[]): readonly T[] =>
  all.slice(0, tries(daily, all.length));

/** Those of all that have these names under a key. @throws where none of them has a name */
export const namedOf = <K extends string, T extends Readonly<Record<K, string>>>(
  all: readonly T[],
  key: K,
  names: readonly T[K][],
): readonly T[] =>
  names.map((name) => {
    const found = all.find((one) => one[key] === name);
    if (!found) throw new Error(`Nothing has the ${key} ${name}`);
    return found;
  });

/** A test of `npm run test:all` alone: others, which run each day, try its law with less. */
export function inFull(name: string, run: TestFunction): void {
  if (IN_FULL) test(name, run);
}
