import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    env: { HF_ENDPOINT: 'http://127.0.0.1:2', HF_HOME: '/no/such/folder' }, // nobody listens: no test reaches the real hub
    pool: 'forks',
    execArgv: ['--require', './test/support/tried-library.cjs'],
    maxWorkers: 2, // most of the time is spent waiting for children
  },
});
