import { expect, test } from 'vitest';
import { mtad } from '../support/cli.js';
import { HYBRID } from '../support/hybrid.js';

/** Where the library has other names for what heads need, as on Windows. */
const env = { NODE_OPTIONS: `--import=${new URL('../support/without-head-names.mjs', import.meta.url)}` };

test('a head that the library cannot run is refused in one line where it is asked for', async () => {
  const { exitCode, stdout, stderr } = await mtad(['-m', HYBRID, '--draft', 'mtp', 'Once'], { env });
  expect(stderr).toMatch(
    /^mtad: --draft mtp: the drafting head of .*stories-hybrid-f16\.gguf needs --engine direct, and a build of llama\.cpp that gives out hidden states \(on Windows there is none so far\); use lookup, or a draft model\n$/,
  );
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
});

test('where nobody asked, a lookup drafts in its place, and a line says so', async () => {
  const { exitCode, stderr } = await mtad(['-m', HYBRID, '-n', '4', 'Once'], { env });
  expect(stderr).toContain('stories-hybrid-f16.gguf has no draft model (-d): guesses are looked up');
  expect(exitCode).toBe(0);
});
