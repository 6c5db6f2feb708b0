import { execa } from 'execa';
import { expect, it } from 'vitest';

it('refuses a section that there is not, and names those that there are', async () => {
  const { exitCode, stderr } = await execa(
    process.execPath,
    ['--import', 'tsx', 'scripts/bench.ts', '--only', 'Wide target'],
    { reject: false },
  );
  expect(stderr).toBe(
    '--only "Wide target" is no section; there are "Embedded pair", "Embedded pair, no draft model", ' +
      '"Wide target, BF16", "Wide target, Q8_0", "Engines"',
  );
  expect(exitCode).toBe(1);
});
