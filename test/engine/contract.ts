import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Engine, Model } from '../../src/engine/port.js';
import { EMBEDDED_PAIR } from '../../src/models/resolve.js';
import { DEVICE } from '../support/device.js';
import { cacheLaws } from './cache-laws.js';
import { concurrencyLaws } from './concurrency-laws.js';
import { copyLaws } from './copy-laws.js';
import { decodeLaws } from './decode-laws.js';
import { grammarLaws } from './grammar-laws.js';
import { noNumberLaws, readLaws, tieLaws } from './read-laws.js';
import { resourceLaws } from './resource-laws.js';
import { chain, decode, withContext } from './rows.js';
import { sharingLaws } from './sharing-laws.js';
import { tokenizerLaws } from './tokenizer-laws.js';
import { waitingLaws } from './waiting-laws.js';

const FIRST_WORDS =
  ', there was a little girl named Lily. She loved to play with her toys and run around outside. ' +
  'One day, she saw a big, scary bug in the sky.';

/**
 * The laws that every engine obeys, on the embedded pair. Each engine's test file runs them.
 * @param names the models on which those of a context are tried
 */
export function engineContract(create: () => Promise<Engine>, names: readonly ('target' | 'draft')[]): void {
  let engine: Engine;
  let target: Model;
  let draft: Model;
  beforeAll(async () => {
    engine = await create();
    target = await engine.loadModel(EMBEDDED_PAIR.model, {});
    draft = await engine.loadModel(EMBEDDED_PAIR.draft, {});
  });
  afterAll(() => engine.dispose());

  describe.each(names)('with the %s model', (name) => {
    const model = () => ({ target, draft })[name];
    decodeLaws(model);
    copyLaws(model);
    sharingLaws(model);
    readLaws(model);
    tokenizerLaws(model);
    cacheLaws(model);
  });

  concurrencyLaws(() => engine);
  tieLaws(() => engine);
  noNumberLaws(() => engine);
  grammarLaws(
    () => engine,
    () => target,
  );
  waitingLaws(
    () => engine,
    () => target,
  );
  resourceLaws(create, () => target);

  it('writes the first words that the target is known to write at temperature 0', async () => {
    const prompt = target.tokenizer.encode('Once upon a time');
    await withContext(target, { capacity: 64, sequences: 1 }, async (context) => {
      const tokens = [...prompt];
      let text = '';
      for (let held = 0; text.length < FIRST_WORDS.length; ) {
        const rows = await decode(context, chain(tokens.slice(held), held), { top: 1, logSumExp: false });
        held = tokens.length;
        tokens.push(rows.at(-1)!.tokens[0]!);
        text = target.tokenizer.decode(tokens.slice(prompt.length), prompt);
      }
      expect(text).toBe(FIRST_WORDS);
    });
  });

  it('says what it is', () => {
    expect(engine.versions.node_llama_cpp).toMatch(/^\d+\.\d+\.\d+/);
    expect(engine.versions.llama_cpp).not.toBe('');
    expect(engine.backend).toBe(DEVICE === 'off' ? 'cpu' : DEVICE);
  });
}
