import { afterAll, beforeAll, describe } from 'vitest';
import { createDirectEngine } from '../../src/engine/direct/engine.js';
import type { Engine, Model } from '../../src/engine/engine.js';
import { EMBEDDED_PAIR } from '../../src/models/resolve.js';
import { cacheLaws } from '../engine/cache-laws.js';

describe('the direct engine', () => {
  let engine: Engine;
  let target: Model;
  let draft: Model;
  beforeAll(async () => {
    engine = await createDirectEngine({ gpu: 'off' });
    target = await engine.loadModel(EMBEDDED_PAIR.model, {});
    draft = await engine.loadModel(EMBEDDED_PAIR.draft, {});
  });
  afterAll(() => engine.dispose());

  describe('with the draft model', () => cacheLaws(() => draft, { trees: 10_000, longest: 24 }));
  describe('with the target', () => cacheLaws(() => target, { trees: 1000, longest: 24 }));
});
