import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  readCorpusFacts,
  readSortedTokens,
  vocabularyHash,
  writeCorpus,
} from '../../src/models/corpus-file.js';
import { type ModelHeader, readHeader } from '../../src/models/header.js';
import { History, MOST_TOKENS } from '../../src/models/history.js';
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
    const history = new History(at('short.corpus'), target, { most: 7000 });
    for (let text = 0; text < 9; text++) history.add(Array(999).fill(500 + text));
    await history.flush();
    const { tokens } = await readSortedTokens(at('short.corpus'));
    expect(tokens).toHaveLength(7000);
    expect(tokens[0]).toBe(502);
    expect(tokens.at(-2)).toBe(508);
  });

  test('writes again where another process took its lock while it was blocked', async () => {
    const [path, others] = [at('slow.corpus'), at('others.corpus')];
    const other = new History(others, target);
    other.add([101, 102]);
    await other.flush();
    let isFirst = true;
    // The name of the model is asked for between reading the file and replacing it. What comes then is done at one stroke.
    const blocked = Object.create(target, {
      path: {
        get() {
          if (isFirst) {
            writeFileSync(join(`${path}.lock`, 'lock'), 'the next');
            renameSync(others, path);
            rmSync(`${path}.lock`, { recursive: true });
          }
          isFirst = false;
          return target.path;
        },
      },
    });
    const history = new History(path, blocked);
    history.add([201, 202]);
    await history.flush();
    const { eos } = target.vocabulary;
    expect([...(await readSortedTokens(path)).tokens]).toEqual([101, 102, eos, 201, 202, eos]);
  });

  test('leaves the lock to one that was not heard of for a second, and removes what a dead one left', async () => {
    const path = at('patient.corpus');
    await mkdir(`${path}.lock`);
    await writeFile(join(`${path}.lock`, 'lock'), 'the slow one');
    await writeFile(join(`${path}.lock`, 'unfinished'), '');
    const history = new History(path, target);
    history.add([201]);
    const flushed = history.flush();
    await sleep(1300);
    expect(await readFile(join(`${path}.lock`, 'lock'), 'utf8')).toBe('the slow one');
    await rm(join(`${path}.lock`, 'lock'));
    await flushed;
    expect((await readdir(folder)).filter((name) => name.startsWith('patient'))).toEqual(['patient.corpus']);
  });

  test('tells once that it cannot write, and writes later what it then has', async () => {
    const path = at('late.corpus');
    await writeFile(`${path}.lock`, 'a file where the folder is to be');
    const notices: string[] = [];
    const history = new History(path, target, { most: 7000, onNotice: (line) => notices.push(line) });
    for (let text = 0; text < 3; text++) {
      history.add(Array(200_000).fill(500 + text));
      await expect(history.flush()).rejects.toThrow('EEXIST');
    }
    expect(notices).toEqual([
      expect.stringMatching(/^what is written is not kept in \S+late\.corpus yet: EEXIST/),
    ]);
    await rm(`${path}.lock`);
    await history.flush();
    const { tokens } = await readSortedTokens(path);
    expect(tokens).toHaveLength(7000);
    expect(new Set(tokens.subarray(0, -1))).toEqual(new Set([502]));
  });
});

test('mtad learn --append loses nothing that is added to a history meanwhile', async () => {
  const path = at('both.corpus');
  await writeFile(at('new.txt'), 'Once upon a time there was a bear.');
  const history = new History(path, target);
  let added = 0;
  const add = async () => {
    history.add([200 + added]);
    added += 1;
    await history.flush();
  };
  await add();
  let isLearning = true;
  const learning = runInProcess(['learn', at('new.txt'), '--for', target.path, '-o', path, '--append', '-q']);
  void learning.finally(() => {
    isLearning = false;
  });
  while (isLearning) {
    await add();
    await sleep(50);
  }
  expect(await learning).toMatchObject({ exitCode: 0, stderr: '' });
  expect(await readCorpusFacts(path)).toMatchObject({ texts: added + 1 });
  const { tokens } = await readSortedTokens(path);
  for (let text = 0; text < added; text++) expect(tokens).toContain(200 + text);
});

test('a corpus that cannot be written is named, and not the file in which it is made', async () => {
  const nothing = { tokens: new Uint16Array(), order: new Uint32Array() };
  const about = { vocabulary: '', model: '', texts: 0 };
  const folder = at('gone.lock'); // as on a full disk, whose errors name no file
  await expect(writeCorpus(at('gone.corpus'), nothing, about, { folder })).rejects.toThrow(
    `Cannot write ${at('gone.corpus')}: ENOENT: no such file or directory`,
  );
  await expect(writeCorpus(at('gone.corpus'), nothing, about, { folder })).rejects.not.toThrow('gone.lock');
});

describe('--learn', () => {
  const ARGS = ['-n', '12', '--gpu', 'off', '--seed', '1', 'Once upon a time there was'];
  const learn = (...args: string[]) => runInProcess(['--learn', at('own.corpus'), ...args]);

  test('keeps what is written, for its owner alone, and guesses go on from it', async () => {
    const first = await learn('--draft', `+${folder}/./own.corpus`, ...ARGS); // which is not there yet
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

  test('a corpus with more tokens than a history has is refused, and stays as it is', async () => {
    const size = MOST_TOKENS + 1;
    const zeros = { tokens: new Uint16Array(size), order: new Uint32Array(size) };
    const about = { vocabulary: vocabularyHash(target.vocabulary), model: 'any.gguf', texts: 1 };
    await writeCorpus(at('large.corpus'), zeros, about);
    const { mtimeMs } = await stat(at('large.corpus'));
    const { exitCode, stdout, stderr } = await runInProcess(['--learn', at('large.corpus'), ...ARGS]);
    expect(stderr).toMatch(/large\.corpus has 1048577 tokens, .* 1048576 .*mtad learn --append/);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect((await stat(at('large.corpus'))).mtimeMs).toBe(mtimeMs);
  });
});
