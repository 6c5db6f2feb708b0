import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readGguf } from '../../scripts/gguf-reader.js';
import { tensorTypes } from '../../scripts/gguf-writer.js';
import { createDirectEngine } from '../../src/engine/direct/engine.js';
import type { Engine } from '../../src/engine/port.js';
import { alone } from '../engine/rows.js';
import { tinyModel } from '../support/gguf-files.js';

describe.each(tensorTypes)('a random model with matrices of %s', (type) => {
  let dir: string;
  let engine: Engine;
  let path: string;
  beforeAll(async () => {
    dir = await mkdtemp(join(tmpdir(), 'mtad-random-'));
    engine = await createDirectEngine({ gpu: 'off' });
    path = await tinyModel(dir, { type });
  });
  afterAll(async () => {
    await engine.dispose();
    await rm(dir, { recursive: true, force: true });
  });

  it('holds noise that keeps activations near 1', async () => {
    const { tensors } = await readGguf(path);
    for (const { name, dims, values } of tensors.filter(({ name }) => name.startsWith('blk.0.ffn_'))) {
      if (name.includes('norm')) continue;
      const power = values().reduce((sum, value) => sum + value ** 2, 0) / values().length;
      expect(power * dims[0]!, name).toBeGreaterThan(0.8);
      expect(power * dims[0]!, name).toBeLessThan(1.2);
    }
  });

  it('loads and gives logits', async () => {
    const model = await engine.loadModel(path, {});
    const rows = await alone(model, model.tokenizer.encode('w1 w2 w3'));
    expect(new Set(rows[0]!.logits).size).toBeGreaterThan(100);
  });
});
