import { defineConfig } from 'vitest/config';

/** Checks that take too long for every day: `npm run soak`. */
export default defineConfig({
  test: {
    include: [
      'test/soak/**/*.soak.ts',
      // Laws that are tried each day too, here on more texts.
      'test/cli/settings/layers.test.ts',
      'test/decoding/head-cache.test.ts',
      'test/engine/{bindings,direct,other-architectures,vocabularies}.test.ts',
      'test/generation/{conversation,generate,generate-finish,generate-grammar,generate-prefix}.test.ts',
      'test/scripts/widen-model.test.ts',
      'test/statistics/lossless{,-head}.test.ts',
      'test/strategies/{adaptive-length,block,constrained,speculative}.test.ts',
      'test/trace/{other-settings,reproduces}.test.ts',
    ],
    env: { MTAD_TEST_SOAK: '1' },
    testTimeout: 0, // none: some take hours
    hookTimeout: 120_000,
    globalSetup: './test/support/own-folders.ts',
    pool: 'forks',
    fileParallelism: false,
    disableConsoleIntercept: true,
  },
});
