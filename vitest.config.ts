import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files that change what others would see too: they replace modules, or the environment for all of a file. */
const ALONE = ['test/models/pair-cleanup.test.ts', 'test/energy/meter.test.ts', 'test/engine/rpc.test.ts'];

/** Files that take long and do not look it, since their laws stand elsewhere. */
const LONG =
  /\b(bindings|direct|lossless-head|recurrent|reproduces|tarball|templates\/render|vocabularies)\.test\.ts$/;

/** The long files before all others, which would else wait for them at the end; the others as usual, by their size. */
class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isLong = ({ moduleId }: TestSpecification) => LONG.test(moduleId);
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}

/** `npm test`; with the mode `all`, which is `npm run test:all`, each law is tried with all that it is there for. */
export default defineConfig(({ mode }) => ({
  test: {
    testTimeout: 120_000, // none in `npm run test:all`, by its options: projects do not see the mode
    hookTimeout: 120_000,
    globalSetup: './test/support/own-folders.ts',
    env: {
      HF_ENDPOINT: 'http://127.0.0.1:2', // nobody listens: no test reaches the real hub
      HF_HOME: '/no/such/folder',
      GLIBC_TUNABLES: 'glibc.malloc.hugetlb=1', // models are loaded hundreds of times, into fresh memory
      ...(mode === 'all' ? { MTAD_TEST_ALL: '1' } : {}),
    },
    pool: 'forks',
    execArgv: ['--require', './test/support/tried-library.cjs'],
    maxWorkers: 3, // of two processors: some tests wait for children, servers and timers
    sequence: { sequencer: LongFirst },
    projects: [
      { extends: true, test: { name: 'alone', include: ALONE } },
      {
        extends: true,
        test: { name: 'together', include: ['test/**/*.test.ts'], exclude: ALONE, isolate: false },
      },
    ],
  },
}));
