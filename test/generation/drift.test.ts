import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readGguf } from '../../scripts/gguf-reader.js';
import { writeGguf } from '../../scripts/gguf-writer.js';
import { readPrompts } from '../../src/benchmark/prompts.js';
import { loadPair, type Pair } from '../../src/models/pair.js';
import { EMBEDDED_PAIR } from '../../src/models/resolve.js';
import { DriftWatch } from '../../src/tuning/drift.js';
import { signsOf } from '../../src/tuning/drift-signs.js';
import type { Profile, TunedDraft } from '../../src/tuning/profile.js';
import { writeProfile } from '../../src/tuning/profile-file.js';
import { priorSurvival } from '../../src/tuning/survival.js';
import { referenceOf } from '../../src/tuning/usual.js';
import { fakeProfile, TUNED_DRAFT } from '../support/fake-profile.js';
import { runInProcess } from '../support/run-in-process.js';
import { run } from './generate-run.js';

const SETTINGS = { strategy: 'mtad', beamWidth: 4, threshold: 0.3, draftLength: 4 } as const;
const LENGTH = { maxTokens: 48 };

let folder: string;
let pair: Pair;
let stories: string[];
let profile: Profile;
let draft: TunedDraft;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mtad-drift-'));
  pair = await loadPair({ gpu: 'off' });
  stories = (await readPrompts(undefined, 30)).map(({ text }) => text);
  const texts = [];
  for (const [i, prompt] of stories.slice(0, 10).entries())
    texts.push((await run(pair, { ...SETTINGS, ...LENGTH, seed: i }, { prompt })).steps);
  const survival = priorSurvival(SETTINGS.threshold);
  const reference = referenceOf(texts.map((steps) => steps.flatMap((step) => signsOf(step, 1) ?? [])));
  draft = { ...TUNED_DRAFT, survival, reference };
  profile = await fakeProfile({
    settings: { ...SETTINGS },
    sampling: { temperature: 1, topK: 10, topP: 0.9 },
    draft,
  });
});
afterAll(async () => {
  await pair?.dispose();
  await rm(folder, { recursive: true });
});

/** As fast as the draft model that comes with mtad, and right by chance alone: the halves of its matrices are exchanged. */
async function spoiltDraft(): Promise<string> {
  const { metadata, tensors } = await readGguf(EMBEDDED_PAIR.draft);
  const path = join(folder, 'spoilt.gguf');
  const spoilt = tensors.map(({ bytes, name, dims, type }) => {
    const half = name.startsWith('blk.') && dims.length === 2 ? bytes.length >> 1 : 0;
    return { name, dims, type, data: () => [bytes.subarray(half), bytes.subarray(0, half)] };
  });
  await writeGguf(path, { metadata, tensors: spoilt });
  return path;
}

describe('the watch for drift', () => {
  it('says nothing of 20 other stories, each by itself and all together', async () => {
    const all = new DriftWatch(draft, 1);
    for (const [i, prompt] of stories.slice(10).entries()) {
      const settings = { ...SETTINGS, ...LENGTH, seed: 100 + i };
      const { steps, drift } = await run(pair, settings, { prompt, profile });
      expect(drift).toEqual({ steps: steps.length, fall: null });
      all.beginText();
      for (const step of steps) all.learn(step);
    }
    expect(all.drift.fall).toBeNull();
    expect(all.drift.steps).toBeGreaterThan(200);
  });

  it('says once what to do about a draft model that is spoilt', async () => {
    const path = join(folder, 'pair.json');
    await writeProfile(path, profile);
    const models = ['-m', EMBEDDED_PAIR.model, '-d', await spoiltDraft()];
    const env = { MTAD_DRAFT_LENGTH: undefined };
    const shared = [...models, '--profile', path, '--seed', '1', '-n', '64', '--threads', '1'];
    const args = [...shared, '--json', 'One day'];
    const { stdout, stderr } = await runInProcess(args, { env });
    expect(JSON.parse(stdout).drift.fall).toMatchObject({ sign: 'acceptance', usual: expect.any(Number) });
    expect(stderr).toMatch(/^mtad: the profile .* is of other models/);
    const saidIn = (text: string) => [
      ...text.matchAll(
        /% of the first guesses suit the target, \d+ % are usual by the profile: .* mtad tune/g,
      ),
    ];
    expect(saidIn(stderr)).toHaveLength(1);
    const input = '{"prompt": "One day"}\n{"prompt": "The sea"}\n';
    const batch = await runInProcess(['batch', ...shared], { env, input });
    const falls = batch.stdout.match(/"drift":\{"steps":\d+,"fall":\{/g);
    expect([falls?.length, saidIn(batch.stderr).length]).toEqual([2, 1]);
    expect((await runInProcess([...args, '--quiet'], { env })).stderr).toBe('');
  });
});
