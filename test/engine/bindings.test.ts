import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { createBindingsEngine } from '../../src/engine/bindings/engine.js';
import type { Engine } from '../../src/engine/port.js';
import { UsageError } from '../../src/errors.js';
import { EMBEDDED_PAIR } from '../../src/models/resolve.js';
import { DEVICE } from '../support/device.js';
import { tries } from '../support/tries.js';
import { engineContract } from './contract.js';

describe('the bindings engine', () => {
  // What both models show is the engine's; that of a larger one takes four times as long.
  engineContract(() => createBindingsEngine({ gpu: DEVICE }), tries(['draft'], ['target', 'draft']));

  it('refuses a device that this kind of machine cannot have', async () => {
    const gpu = process.platform === 'darwin' ? 'cuda' : 'metal';
    const created = createBindingsEngine({ gpu }).then((engine) => engine.dispose());
    await expect(created).rejects.toThrow(UsageError);
  });

  it('passes on what llama.cpp says, for the first engine of a process and for later ones', async () => {
    for (let time = 0; time < 3; time++) {
      const lines: string[] = [];
      const engine = await createBindingsEngine({ gpu: DEVICE, log: (line) => lines.push(line) });
      try {
        await engine.loadModel(EMBEDDED_PAIR.draft, {});
        // The lines come from another thread.
        await expect.poll(() => lines.join('\n'), { timeout: 5000 }).toContain('[llama.cpp]');
      } finally {
        await engine.dispose();
      }
    }
  });

  it('passes it on to each of two engines that live at the same time', async () => {
    const logs: string[][] = [[], []];
    const engines: Engine[] = [];
    try {
      for (const lines of logs)
        engines.push(await createBindingsEngine({ gpu: DEVICE, log: (line) => lines.push(line) }));
      for (const [i, engine] of engines.entries()) {
        await engine.loadModel(EMBEDDED_PAIR.draft, {});
        await expect.poll(() => logs[i]!.join('\n'), { timeout: 5000 }).toContain('stories-draft');
      }
    } finally {
      for (const engine of engines) await engine.dispose();
    }
  });

  it('writes nothing itself, whatever llama.cpp complains of', async () => {
    const program = fileURLToPath(new URL('three-engines.mjs', import.meta.url));
    const output = await promisify(execFile)(process.execPath, [program]);
    expect(output).toEqual({ stdout: '', stderr: '' });
  });
});
