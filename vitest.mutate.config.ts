import { defineConfig } from 'vitest/config';

/** The tests of what is pure, each law tried in full, for each mutant of it: `npm run mutate`. */
export default defineConfig({
  test: {
    include: ['test/{math,rules}/*.test.ts'],
    env: { MTAD_TEST_ALL: '1' },
    testTimeout: 120_000,
  },
});
