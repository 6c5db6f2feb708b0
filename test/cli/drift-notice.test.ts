import { rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { driftNotice, driftNoticeOf, driftToldOnce } from '../../src/cli/drift-notice.js';
import { readHeader } from '../../src/models/header.js';
import { History } from '../../src/models/history.js';
import { EMBEDDED_PAIR } from '../../src/models/resolve.js';
import { tokensPerPass } from '../../src/tuning/corpus-worth.js';
import { signsOf } from '../../src/tuning/drift-signs.js';
import { writeProfile } from '../../src/tuning/profile-file.js';
import type { DraftNode } from '../../src/types.js';
import { corpusOf } from '../support/corpus-of.js';
import { fakeProfile } from '../support/fake-profile.js';
import { fakeStep } from '../support/fake-step.js';
import { runInProcess } from '../support/run-in-process.js';
import { COMPLETIONS } from '../support/served.js';
import { started } from '../support/served-process.js';

const OPEN = { MTAD_DRAFT_LENGTH: undefined };
const PROFILE = join(tmpdir(), `mtad-drift-${process.pid}.json`);
const PATH = join(tmpdir(), `mtad-drift-${process.pid}.corpus`);
afterAll(() => Promise.all([PATH, PROFILE].map((path) => rm(path, { force: true }))));

const fall = { sign: 'acceptance', usual: 0.8, now: 0.4, steps: 32 } as const;
const FALLEN = { steps: 40, fall };
const TEXT = Array.from({ length: 90 }, (_, i) => 300 + i);

test('a fall is told in one line, with what the history would have brought in the text, or how to begin one', async () => {
  expect(await driftNoticeOf({ drift: { steps: 40, fall: null }, tokens: TEXT }, undefined)).toBeUndefined();
  const without = await driftNoticeOf({ drift: FALLEN, tokens: TEXT }, undefined);
  expect(without).toMatch(
    /^40 % of the first guesses suit the target, 80 % are usual .*--learn history\.corpus/,
  );
  const history = new History(PATH, await readHeader(EMBEDDED_PAIR.model));
  history.add([1, 2, 3]);
  await history.flush();
  expect(await driftNoticeOf({ drift: FALLEN, tokens: TEXT }, history)).toContain('too few like them yet');
  history.add(TEXT);
  await history.flush();
  const told = await driftNoticeOf({ drift: FALLEN, tokens: TEXT }, history);
  expect(told).toContain(
    `guesses of ${PATH} alone would have brought 8.80 tokens per pass here (--draft +${PATH})`,
  );
  const long = Array.from({ length: 5000 }, (_, i) => 300 + ((i * i) % 7919));
  history.add(long); // more than may wait
  const other = new History(PATH, await readHeader(EMBEDDED_PAIR.model));
  other.add([4]);
  await other.flush(); // after what the first one is writing
  expect(await driftNoticeOf({ drift: FALLEN, tokens: long }, history)).toContain('too few like them yet');
  for (const line of [without, told]) expect(line).not.toContain('\n');
});

test('a run is told of a fall once, and a command that keeps no history of no --learn', async () => {
  const told = driftToldOnce(undefined);
  const texts = [null, { steps: 40, fall: null }, FALLEN, FALLEN];
  const said = await Promise.all(texts.map((drift) => told({ drift, tokens: TEXT })));
  expect(said.map((line) => line !== undefined)).toEqual([false, false, true, false]);
  expect(driftNotice(FALLEN)).toMatch(/ take another draft model$/);
});

test('a batch and a server say once that texts drift away from those of the profile', async () => {
  await writeProfile(PROFILE, await fakeProfile()); // of other texts than the pair writes
  const args = ['--profile', PROFILE, '--gpu', 'off', '--threads', '1', '--seed', '3'];
  const fallen = /^mtad: .* by the profile: these texts, .*--learn history\.corpus, .*$/gm;
  const line = `${JSON.stringify({ prompt: 'Once upon a time', max_tokens: 120, ignore_eos: true })}\n`;
  const batch = await runInProcess(['batch', ...args], { input: line + line, env: OPEN });
  expect(batch.stdout.match(/"fall":\{/g)).toHaveLength(2);
  expect(batch.stderr.match(fallen)).toHaveLength(1);

  const headers = { 'Content-Type': 'application/json' };
  const { child, url } = await started(args, OPEN);
  for (let i = 0; i < 2; i++)
    expect((await fetch(url + COMPLETIONS, { method: 'POST', headers, body: line })).status).toBe(200);
  child.kill('SIGTERM');
  expect((await child).stderr!.match(fallen)).toEqual(batch.stderr.match(fallen));
});

test('a text is worth as many passes as its guesses from a corpus fail, and one for each eight that hold', () => {
  const corpus = corpusOf([1, 2, 3, 4, 5, 6]);
  expect(tokensPerPass(corpus, [1, 2])).toBeUndefined();
  expect(tokensPerPass(corpus, [1, 2, 3, 4, 9, 9])).toBe(2); // 3 4 and the target's 9, then 9
  expect(tokensPerPass(corpus, [7, 8, 9, 9])).toBe(1);
});

test('what a corpus or a lookup guesses says nothing of the draft model', () => {
  const step = fakeStep(2, { draft: 1, verify: 1, own: 1 });
  const by = (changes: Partial<DraftNode>) =>
    signsOf(
      {
        ...step,
        p: step.draft.map(({ q }) => q),
        draft: step.draft.map((node) => ({ ...node, ...changes })),
      },
      1,
    );
  for (const ofModel of [{}, { from: 'model' }, { from: 'mtp' }] as const) expect(by(ofModel)).toBeDefined();
  for (const other of [{ from: 'corpus' }, { from: 'lookup' }, { isTail: true }] as const)
    expect(by(other)).toBeUndefined();
});
