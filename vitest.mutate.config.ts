import { defineConfig } from 'vitest/config';

/** The tests of what is pure, for each mutant of it: `npm run mutate`. */
export default defineConfig({ test: { include: ['test/{math,rules}/*.test.ts'], testTimeout: 120_000 } });
