import { copyFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ModelFileError, PairMismatchError, UsageError } from '../../src/errors.js';
import { generate } from '../../src/generation/generate.js';
import { findPair, loadPair, type PairOptions } from '../../src/models/pair.js';
import { EMBEDDED_PAIR } from '../../src/models/resolve.js';
import type { TokenId } from '../../src/types.js';
import { textFile, tinyModel } from '../support/gguf-files.js';

let dir: string;
let broken: string; // only llama.cpp finds that its tensors do not suit its metadata
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'mtad-pair-'));
  broken = await tinyModel(dir, { metadata: { 'llama.feed_forward_length': { u32: 65 } } }, 'broken.gguf');
});
afterAll(() => rm(dir, { recursive: true, force: true }));

/** Loads and disposes. */
const load = (options: PairOptions) => loadPair({ gpu: 'off', ...options }).then((pair) => pair.dispose());

/** Some hundred tokens of several texts, any of the vocabulary at any place. */
async function randomTokens(options: PairOptions): Promise<TokenId[]> {
  const strategy = options.needsDraft === false ? 'autoregressive' : 'mtad';
  const sampling = { strategy, temperature: 2, topK: 0, topP: 1, threshold: 0.1, maxTokens: 60 } as const;
  const pair = await loadPair({ gpu: 'off', ...options });
  const tokens: TokenId[] = [];
  try {
    for (const seed of [1, 2, 3, 4, 5, 6])
      for await (const event of generate(
        pair,
        'w1 w2',
        { ...sampling, seed, ignoreEos: seed % 2 === 0 },
        { threads: 1 },
      ))
        if (event.type === 'end') tokens.push(...event.result.tokens);
  } finally {
    await pair.dispose();
  }
  return tokens;
}

describe('loadPair', () => {
  it('loads the embedded pair when no model is given', async () => {
    const pair = await loadPair({ gpu: 'off' });
    expect(pair.targetHeader.path).toBe(EMBEDDED_PAIR.model);
    expect(pair.draftHeader?.path).toBe(EMBEDDED_PAIR.draft);
    expect(pair.draft).toBeDefined();
    expect(pair.unshared.size).toBe(0);
    expect(pair.target.tokenizer.encode('Once upon')).toEqual(pair.draft!.tokenizer.encode('Once upon'));
    await pair.dispose();
    await pair.dispose();
  });

  it('does not look at the draft model when it needs none', async () => {
    const pair = await loadPair({
      gpu: 'off',
      model: EMBEDDED_PAIR.model,
      draft: join(dir, 'no'),
      needsDraft: false,
    });
    expect(pair.draft).toBeUndefined();
    expect(pair.draftHeader).toBeUndefined();
    await pair.dispose();
    await load({ model: EMBEDDED_PAIR.model, needsDraft: false });
  });

  it('loads a target alone, and the embedded draft model beside its own target only', async () => {
    const alone = await tinyModel(dir, {}, 'alone.gguf');
    expect((await findPair({ model: alone })).draft).toBeUndefined();
    expect((await findPair({ model: EMBEDDED_PAIR.model })).draft?.path).toBe(EMBEDDED_PAIR.draft);
    const renamed = join(dir, 'renamed.gguf');
    await copyFile(EMBEDDED_PAIR.model, renamed);
    expect((await findPair({ model: renamed })).draft).toBeUndefined();
    await expect(load({ model: join(dir, 'no.gguf') })).rejects.toThrow(ModelFileError);
    const pair = await loadPair({ gpu: 'off', model: alone });
    for (const [strategy, decided] of [
      ['mtad', { strategy: 'mtad', draftFrom: 'lookup' }],
      ['mmtad', { strategy: 'autoregressive' }],
    ] as const)
      for await (const event of generate(
        pair,
        'w1 w2 w1',
        { strategy, maxTokens: 5, draftLength: 2 },
        { threads: 1 },
      )) {
        if (event.type === 'start') expect(event.settings).toMatchObject(decided);
        if (event.type === 'end') expect(event.result.tokens).toHaveLength(5);
      }
    await pair.dispose();
  });

  it('asks for the target that is missing beside a draft model', async () => {
    await expect(load({ draft: EMBEDDED_PAIR.draft })).rejects.toThrow(UsageError);
    await expect(load({ draft: EMBEDDED_PAIR.draft })).rejects.toThrow('`model`');
    await expect(load({ draft: EMBEDDED_PAIR.draft, needsDraft: false })).rejects.toThrow(UsageError);
  });

  it('looks for names in the models folder', async () => {
    const name = basename(await tinyModel(dir, {}, 'in-the-folder.gguf'));
    const pair = await loadPair({ gpu: 'off', model: name, draft: name, modelsDir: dir });
    expect(pair.targetHeader.path).toBe(join(dir, name));
    await pair.dispose();
    await expect(load({ model: name, draft: name })).rejects.toThrow(ModelFileError);
    const offline = { modelsDir: dir, offline: true };
    await expect(load({ ...offline, model: 'hf:org/model', draft: name })).rejects.toThrow('mtad pull');
    await expect(load({ ...offline, model: name, draft: 'hf:org/model' })).rejects.toThrow('mtad pull');
  });

  it('refuses a bad file in either place', async () => {
    const text = await textFile(dir);
    await expect(load({ model: text, draft: EMBEDDED_PAIR.draft })).rejects.toThrow(ModelFileError);
    await expect(load({ model: EMBEDDED_PAIR.model, draft: text })).rejects.toThrow(ModelFileError);
  });

  it('refuses a mismatched pair before it loads any weights', async () => {
    const lines: string[] = [];
    const log = (line: string) => lines.push(line);
    await expect(load({ model: broken, draft: EMBEDDED_PAIR.draft, log })).rejects.toThrow(PairMismatchError); // not: broken
    expect(lines).toEqual([]);
  });

  // Twice: what llama.cpp says must arrive in a process that loaded models before, too.
  it.each(['first', 'second'])(
    'says what llama.cpp found in a model whose tensors have other shapes, the %s time',
    async () => {
      const options = { model: broken, draft: await tinyModel(dir) };
      const error = await load(options).catch((e: unknown) => e);
      expect(error).toBeInstanceOf(ModelFileError);
      const { message } = error as ModelFileError;
      expect(message).toContain(broken);
      expect(message).toContain('wrong shape');
      expect(message).not.toContain('\n');
    },
  );

  it('stops at the signal', async () => {
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(load({ signal })).rejects.toThrow('enough');
  });
});

describe('a pair of which one vocabulary is padded', () => {
  it.each(['target', 'draft'])('generates, and emits no token that only its %s has', async (longer) => {
    const long = await tinyModel(dir, { padding: 64 }, 'padded.gguf');
    const short = await tinyModel(dir, { seed: 2 }, 'plain.gguf');
    const models = longer === 'target' ? { model: long, draft: short } : { model: short, draft: long };
    const pair = await loadPair({ gpu: 'off', ...models });
    expect([...pair.unshared]).toEqual(Array.from({ length: 64 }, (_, i) => 384 + i));
    await pair.dispose();

    const tokens = await randomTokens(models);
    expect(tokens.length).toBeGreaterThan(200);
    expect(Math.max(...tokens)).toBeLessThan(384);
    // Alone, the padded model does write padding: it is the pair that keeps it out.
    expect(Math.max(...(await randomTokens({ model: long, needsDraft: false })))).toBeGreaterThanOrEqual(384);
  });
});

describe('a file that is there no more when its weights are loaded', () => {
  it('is refused by name', async () => {
    const path = await tinyModel(dir, {}, 'gone.gguf');
    const options = { gpu: 'off' as const, model: path, draft: path };
    const files = await findPair(options);
    await rm(path);
    const loading = loadPair(options, files).then((pair) => pair.dispose());
    await expect(loading).rejects.toThrow(ModelFileError);
    await expect(loading).rejects.toThrow(path);
  });
});
