import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    env: { HF_ENDPOINT: 'http://127.0.0.1:2', HF_HOME: '/no/such/folder' }, // nobody listens: no test reaches the real hub
    pool: 'forks',
    execArgv: ['--require', './test/support/tried-library.cjs'],
    maxWorkers: 3, // of two processors: some tests wait for children, servers and timers
  },
});
