import { defineConfig } from 'vitest/config';

/** Checks that take hours, two of them in one process: `npm run soak`. */
export default defineConfig({
  test: {
    include: ['test/soak/**/*.soak.ts'],
    testTimeout: 0, // none: some take hours
    hookTimeout: 120_000,
    globalSetup: './test/support/own-folders.ts',
    pool: 'forks',
    fileParallelism: false,
    disableConsoleIntercept: true,
  },
});
