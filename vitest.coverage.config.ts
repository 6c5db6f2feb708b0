import { defineConfig } from 'vitest/config';

/** Which branches of the algorithms no test takes, each law tried in full: `npm run coverage`. */
export default defineConfig({
  test: {
    include: ['test/{math,rules,drafting,decoding,tuning,strategies}/**/*.test.ts'],
    env: { MTAD_TEST_ALL: '1' },
    testTimeout: 0,
    hookTimeout: 0,
    pool: 'forks',
    isolate: false,
    coverage: {
      provider: 'v8',
      include: ['src/{math,rules,drafting,decoding,tuning}/*.ts'],
      reporter: [['text', { skipFull: true }]],
      thresholds: { branches: 100 },
    },
  },
});
