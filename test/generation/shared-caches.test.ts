import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { modelsOf, withDraftSource } from '../../src/generation/draft-source.js';
import { parseSettings } from '../../src/generation/parse-settings.js';
import { cacheShape } from '../../src/generation/session-parts.js';
import type { SettingsInput } from '../../src/generation/settings.js';
import { SharedCaches } from '../../src/generation/shared-caches.js';
import { loadPair, type Pair } from '../../src/models/pair.js';
import { tinyModel } from '../support/gguf-files.js';
import { hybridModel } from '../support/other-architectures.js';

const RUN = { threads: 1, contextSize: 240 };
const TEXTS: readonly SettingsInput[] = [
  { draftLength: 16 },
  { draftLength: 'auto' },
  { strategy: 'mtjd', draftLength: 5 },
  { draftLength: 3 },
  { strategy: 'mtjd', beamWidth: 1 },
  { draftLength: 'auto', beamWidth: 2 },
  { strategy: 'autoregressive' },
];

describe.each([
  ['a target of attention', tinyModel],
  ['a hybrid target', hybridModel],
])('caches that texts share, with %s', (_, target) => {
  let folder: string;
  let pair: Pair;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mtad-shared-'));
    const files = { model: await target(folder), draft: await tinyModel(folder, {}, 'draft.gguf') };
    pair = await loadPair({ ...files, engine: 'direct', gpu: 'off' });
  });
  afterAll(async () => {
    await pair?.dispose();
    await rm(folder, { recursive: true });
  });

  const shapeOf = (settings: SettingsInput, contextSize: number) =>
    cacheShape(withDraftSource(parseSettings(settings), modelsOf(pair)), contextSize, contextSize);

  /** The room of a text in caches: its own tokens at most, and the guesses at some places. */
  async function roomIn(caches: SharedCaches, settings: SettingsInput, contextSize: number) {
    const cache = await caches.withRoomFor(shapeOf(settings, contextSize));
    const guesses = [1, contextSize - 20, contextSize - 4, contextSize - 1].map((at) => cache.roomBehind(at));
    return { capacity: cache.capacity, guesses };
  }

  it('give each text the room that it has alone, whatever they had room for before', async () => {
    const shared = new SharedCaches(pair, RUN, 50);
    try {
      for (const [i, settings] of [...TEXTS, ...TEXTS].entries()) {
        const contextSize = 100 + ((i * 37) % 90);
        const alone = new SharedCaches(pair, RUN, 0);
        const own = await roomIn(alone, settings, contextSize);
        await alone.dispose();
        expect(await roomIn(shared, settings, contextSize), JSON.stringify(settings)).toEqual(own);
        expect(own.capacity).toBe(contextSize - 1);
      }
    } finally {
      await shared.dispose();
    }
  });

  it('grow with longer texts, and not with others', async () => {
    const caches = new SharedCaches(pair, RUN, 0);
    const widths: number[] = [];
    for (const strategy of ['mtad', 'mtjd', 'mtad', 'mtjd'] as const) {
      const { target } = await caches.withRoomFor(shapeOf({ strategy, beamWidth: 2 }, 60));
      widths.push(target.capacity);
    }
    await caches.dispose();
    expect(widths).toEqual([59, 59, 59, 59]);
  });
});
