import { defineConfig } from 'vitest/config';

/** Files that change what others would see too: they replace modules, or the environment for all of a file. */
const ALONE = [
  'test/models/download*.test.ts',
  'test/models/pair-cleanup.test.ts',
  'test/energy/meter.test.ts',
];

export default defineConfig({
  test: {
    testTimeout: 120_000,
    hookTimeout: 120_000,
    env: {
      HF_ENDPOINT: 'http://127.0.0.1:2', // nobody listens: no test reaches the real hub
      HF_HOME: '/no/such/folder',
      GLIBC_TUNABLES: 'glibc.malloc.hugetlb=1', // models are loaded hundreds of times, into fresh memory
    },
    pool: 'forks',
    execArgv: ['--require', './test/support/tried-library.cjs'],
    maxWorkers: 3, // of two processors: some tests wait for children, servers and timers
    projects: [
      { extends: true, test: { name: 'alone', include: ALONE } },
      {
        extends: true,
        test: { name: 'together', include: ['test/**/*.test.ts'], exclude: ALONE, isolate: false },
      },
    ],
  },
});
