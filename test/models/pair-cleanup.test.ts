import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Engine } from '../../src/engine/port.js';
import { ModelFileError } from '../../src/errors.js';
import { loadPair } from '../../src/models/pair.js';
import { EMBEDDED_PAIR } from '../../src/models/resolve.js';
import { tinyModel } from '../support/gguf-files.js';

// The engines are the real ones; the mock only keeps hold of those that loadPair creates.
const engines = vi.hoisted(() => [] as Engine[]);
vi.mock('../../src/engine/open.js', async (importOriginal) => {
  const real = await importOriginal<typeof import('../../src/engine/open.js')>();
  const createEngine: typeof real.createEngine = async (...options) => {
    const engine = await real.createEngine(...options);
    engines.push(engine);
    return engine;
  };
  return { ...real, createEngine };
});

let dir: string;
let broken: string; // only llama.cpp finds that its tensors do not suit its metadata
let whole: string; // of the same vocabulary
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'mtad-cleanup-'));
  whole = await tinyModel(dir);
  broken = await tinyModel(dir, { metadata: { 'llama.feed_forward_length': { u32: 65 } } }, 'broken.gguf');
});
afterAll(() => rm(dir, { recursive: true, force: true }));
beforeEach(() => {
  engines.length = 0;
});

const loads = (engine: Engine) => engine.loadModel(EMBEDDED_PAIR.draft, {});

describe('loadPair', () => {
  it.each([
    { what: 'the target', options: { model: () => broken, draft: () => whole } },
    { what: 'the draft', options: { model: () => whole, draft: () => broken } },
  ])('frees its engine when $what cannot be loaded', async ({ options }) => {
    const loading = loadPair({ gpu: 'off', model: options.model(), draft: options.draft() });
    await expect(loading).rejects.toThrow(ModelFileError);
    expect(engines).toHaveLength(1);
    await expect(loads(engines[0]!)).rejects.toThrow(/disposed/i);
  });

  it('keeps its engine when both are loaded, until the pair is disposed', async () => {
    const pair = await loadPair({ gpu: 'off' });
    await loads(engines[0]!);
    await pair.dispose();
    await expect(loads(engines[0]!)).rejects.toThrow(/disposed/i);
  });
});
