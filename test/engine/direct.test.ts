import { describe, expect, it } from 'vitest';
import { createDirectEngine } from '../../src/engine/direct/engine.js';
import { EMBEDDED_PAIR } from '../../src/models/resolve.js';
import { DEVICE } from '../support/device.js';
import { tries } from '../support/tries.js';
import { engineContract } from './contract.js';

describe('the direct engine', () => {
  // What both models show is the engine's.
  engineContract(() => createDirectEngine({ gpu: DEVICE }), tries(['target'], ['target', 'draft']));

  it('reads nothing of a model that was disposed of, where llama.cpp would read freed memory', async () => {
    const engine = await createDirectEngine({ gpu: DEVICE });
    const model = await engine.loadModel(EMBEDDED_PAIR.draft, {});
    const { tokenizer } = model;
    const state = (await model.createGrammar({ gbnf: 'root ::= [a-z ]+' })).start();
    const [token] = tokenizer.encode('once').slice(-1);
    expect(state.allows(token!)).toBe(true);
    await engine.dispose();
    for (const use of [
      () => tokenizer.encode('once'),
      () => tokenizer.decode([token!], []),
      () => state.allows(token! + 1),
      () => state.after(token!),
    ])
      expect(use).toThrow('The model was disposed of');
  });
});
