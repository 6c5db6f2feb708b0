import { defineConfig } from 'vitest/config';

/** Which branches of the algorithms no test takes: `npm run coverage`. */
export default defineConfig({
  test: {
    include: ['test/{math,rules,drafting,decoding,tuning,strategies}/**/*.test.ts'],
    testTimeout: 600_000,
    hookTimeout: 600_000,
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
