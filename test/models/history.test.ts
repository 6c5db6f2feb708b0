import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readCorpusFacts, readSortedTokens } from '../../src/models/corpus-file.js';
import { type ModelHeader, readHeader } from '../../src/models/header.js';
import { History } from '../../src/models/history.js';
import { EMBEDDED_PAIR } from '../../src/models/resolve.js';
import { runInProcess } from '../support/run-in-process.js';

let folder: string;
let target: ModelHeader;
const at = (name: string) => join(folder, name);
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mtad-history-'));
  target = await readHeader(EMBEDDED_PAIR.model);
});
afterAll(() => rm(folder, { recursive: true }));

describe('a history', () => {
  test('keeps the texts of all that add to it at once, each whole and once, and leaves no lock', async () => {
    const path = at('shared.corpus');
    const writers = [1, 2, 3].map(() => new History(path, target));
    for (const [i, writer] of writers.entries())
      for (let text = 0; text < 4; text++) writer.add(Array(5).fill(100 + 10 * i + text));
    await Promise.all(writers.flatMap((writer) => [writer.flush(), writer.flush()]));
    const { tokens } = await readSortedTokens(path);
    const { eos } = target.vocabulary;
    const texts = [...tokens]
      .join(' ')
      .split(` ${eos} `)
      .map((text) => text.replace(` ${eos}`, ''));
    const expected = [0, 1, 2].flatMap((i) =>
      [0, 1, 2, 3].map((text) =>
        Array(5)
          .fill(100 + 10 * i + text)
          .join(' '),
      ),
    );
    expect(texts.sort()).toEqual(expected);
    expect(await readCorpusFacts(path)).toMatchObject({ texts: 12, tokens: 12 * 6 });
    expect((await readdir(folder)).filter((name) => /lock|tmp/.test(name))).toEqual([]);
  });

  test('writes by itself what waits too long, and has no more tokens than it may', async () => {
    const history = new History(at('short.corpus'), target, 7000);
    for (let text = 0; text < 9; text++) history.add(Array(999).fill(500 + text));
    await history.flush();
    const { tokens } = await readSortedTokens(at('short.corpus'));
    expect(tokens).toHaveLength(7000);
    expect(tokens[0]).toBe(502);
    expect(tokens.at(-2)).toBe(508);
  });
});

describe('--learn', () => {
  const ARGS = ['-n', '12', '--gpu', 'off', '--seed', '1', 'Once upon a time there was'];
  const learn = (...args: string[]) => runInProcess(['--learn', at('own.corpus'), ...args]);

  test('keeps what is written, for its owner alone, and guesses go on from it', async () => {
    const first = await learn('--draft', `+${at('own.corpus')}`, ...ARGS); // which is not there yet
    expect(first.stderr).toMatch(/^mtad: what is written is kept in \S+own\.corpus\n/);
    expect(first.exitCode).toBe(0);
    expect((await stat(at('own.corpus'))).mode & 0o777).toBe(0o600);
    const { tokens, texts } = await readCorpusFacts(at('own.corpus'));
    expect({ tokens, texts }).toEqual({ tokens: 13, texts: 1 });
    const args = ['--draft', at('own.corpus'), '--strategy', 'speculative', '-q', '--jsonl', ...ARGS];
    const again = await learn(...args);
    expect({ stderr: again.stderr, exitCode: again.exitCode }).toEqual({ stderr: '', exitCode: 0 });
    expect(await readCorpusFacts(at('own.corpus'))).toMatchObject({ tokens: 26, texts: 2 });
    expect((await stat(at('own.corpus'))).mode & 0o777).toBe(0o600);
    const lines = { input: '{"prompt": "One day"}\n{"prompt": "Once"}\n' };
    const batch = ['batch', '--learn', at('own.corpus'), '-q', '-n', '5', '--gpu', 'off', '-'];
    expect((await runInProcess(batch, lines)).exitCode).toBe(0);
    expect(await readCorpusFacts(at('own.corpus'))).toMatchObject({ tokens: 26 + 12, texts: 4 });
    const over = await learn('--output', at('own.corpus'), ...ARGS);
    expect(over).toMatchObject({ exitCode: 2, stdout: '' });
  });

  test.each([
    ['notes.txt', /--learn \S+notes\.txt must end in \.corpus/],
    ['letters.corpus', /letters\.corpus is there and is no corpus/],
    ['none/of.corpus', /--learn \S+none\/of\.corpus cannot be written: ENOENT/],
  ])('%s is refused before anything is written', async (name, message) => {
    await writeFile(at('letters.corpus'), 'Dear Lily');
    const { exitCode, stdout, stderr } = await runInProcess(['--learn', at(name), ...ARGS]);
    expect(stderr).toMatch(message);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
  });
});
