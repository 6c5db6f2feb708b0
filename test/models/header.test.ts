import { copyFile, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ModelFileError } from '../../src/errors.js';
import { readHeader } from '../../src/models/header.js';
import { EMBEDDED_PAIR } from '../../src/models/resolve.js';
import {
  embeddingModel,
  emptyFile,
  splitModel,
  textFile,
  tinyModel,
  truncatedHeader,
  truncatedModel,
  vocabOnlyModel,
} from '../support/gguf-files.js';

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'mtad-header-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

/** What is wrong with a file, and the words that say so. */
const BAD_FILES: Record<string, { write: () => Promise<string>; reason: RegExp }> = {
  'a missing file': { write: async () => join(dir, 'missing.gguf'), reason: /no such file/ },
  'a folder': { write: async () => dir, reason: /is a folder/ },
  'an empty file': { write: () => emptyFile(dir), reason: /is empty/ },
  'a text file': { write: () => textFile(dir), reason: /not a GGUF file: it begins with "Once"/ },
  'a file that ends within its first word': { write: () => start(2), reason: /not a GGUF file.*"GG"/ },
  'a file that ends after its first word': { write: () => start(4), reason: /cut off/ },
  'text after the magic word': { write: garbage, reason: /damaged or cut off/ },
  'a file that ends in its metadata': { write: shortHeader, reason: /cut off/ },
  'the first 60 % of the embedded target': { write: () => cut(EMBEDDED_PAIR.model), reason: /is cut off/ },
  'the first 60 % of the embedded draft': { write: () => cut(EMBEDDED_PAIR.draft), reason: /is cut off/ },
  'a vocabulary without weights': { write: () => vocabOnlyModel(dir), reason: /no weights/ },
  'a model of no layers': {
    write: () => tinyModel(dir, { metadata: { 'llama.block_count': { u32: 0 } } }),
    reason: /0 layers.*llama.cpp cannot run it/,
  },
  'a model of too many layers': {
    write: () => tinyModel(dir, { metadata: { 'llama.block_count': { u32: 513 } } }),
    reason: /513 layers.*llama.cpp cannot run it/,
  },
  'a vocabulary with the same text twice': {
    write: () => tinyModel(dir, { pieces: { 300: 'Tom', 310: 'Tom' } }),
    reason: /tokens 300 and 310 .*"Tom".*llama.cpp cannot run it/,
  },
  'an RWKV model with smaller heads than llama.cpp can work off': {
    write: () =>
      tinyModel(dir, {
        metadata: {
          'general.architecture': { string: 'rwkv7' },
          'rwkv7.block_count': { u32: 1 },
          'rwkv7.wkv.head_size': { u32: 32 },
        },
      }),
    reason: /RWKV heads of 32 numbers.*multiples of 64 alone; use another model/,
  },
  'a model whose states nobody could take back': {
    write: () => otherArchitecture('deepseek4'),
    reason: /deepseek4 model; its text would be wrong after a rejected draft/,
  },
  'an EAGLE-3 head': {
    write: () => otherArchitecture('eagle3'),
    reason: /is an EAGLE-3 head, .*mtad runs heads in the target's own file alone; use a draft model/,
  },
  "Gemma 4's assistant": {
    write: () => otherArchitecture('gemma4-assistant'),
    reason: /is Gemma 4's assistant, which works in the KV cache of its target/,
  },
  'an embedding model': { write: () => embeddingModel(dir), reason: /embedding or encoder model \(bert\)/ },
};

function otherArchitecture(name: string): Promise<string> {
  const metadata = { 'general.architecture': { string: name }, [`${name}.block_count`]: { u32: 1 } };
  return tinyModel(dir, { metadata });
}

function cut(source: string): Promise<string> {
  return truncatedModel(dir, source);
}

function shortHeader(): Promise<string> {
  return truncatedHeader(dir, EMBEDDED_PAIR.draft);
}

/** The first bytes of a tiny model. */
async function start(length: number): Promise<string> {
  const path = join(dir, 'start.gguf');
  const bytes = await readFile(await tinyModel(dir));
  await writeFile(path, bytes.subarray(0, length));
  return path;
}

async function garbage(): Promise<string> {
  const path = join(dir, 'garbage.gguf');
  await writeFile(path, `GGUF${'Once upon a time there was a file. '.repeat(100)}`);
  return path;
}

describe('readHeader', () => {
  it.each(Object.entries(BAD_FILES))(
    'refuses %s in one line that names the file',
    async (_, { write, reason }) => {
      const path = await write();
      const error = await readHeader(path).catch((e: unknown) => e);
      expect(error).toBeInstanceOf(ModelFileError);
      const { message } = error as ModelFileError;
      expect(message).toContain(path);
      expect(message).toMatch(reason);
      expect(message).not.toContain('\n');
    },
  );

  it('takes a model that llama.cpp has saved, which says that its pooling is -1', async () => {
    const path = await tinyModel(dir, { metadata: { 'llama.pooling_type': { u32: 2 ** 32 - 1 } } });
    expect((await readHeader(path)).architecture).toBe('llama');
  });

  it('names the part that a split model lacks', async () => {
    const [first, second] = (await splitModel(dir)) as [string, string];
    expect((await readHeader(first)).vocabulary.tokens).toHaveLength(384);
    await rm(second);
    await expect(readHeader(first)).rejects.toThrow(
      /split-00001-of-00002\.gguf is one of 2 parts of a model, and beside it is no split-00002-of-00002\.gguf;/,
    );
  });

  it('names the first two of many parts', async () => {
    const path = join(dir, 'many-00001-of-99999.gguf');
    await copyFile(await tinyModel(dir), path);
    await expect(readHeader(path)).rejects.toThrow(
      /are no many-00002-of-99999\.gguf, many-00003-of-99999\.gguf and 99996 more; download all/,
    );
  });

  it('refuses a model that ends anywhere before its last tensor begins', async () => {
    const { size } = await stat(await tinyModel(dir));
    const lastTensor = size - 128; // 32 numbers of 4 bytes
    for (let length = 1; length < lastTensor; length += 997)
      await expect(readHeader(await start(length))).rejects.toThrow(ModelFileError);
    await expect(readHeader(await start(lastTensor - 1))).rejects.toThrow(ModelFileError);
  });

  it('reads what the file says of itself', async () => {
    const path = await tinyModel(dir, { context: 77, bos: 5, eos: 6, pieces: { 300: 'three hundred' } });
    const header = await readHeader(path);
    expect(header).toMatchObject({ path, architecture: 'llama', trainContextSize: 77 });
    expect(header.vocabulary).toMatchObject({ bos: 5, eos: 6 });
    expect(header.vocabulary.tokens).toHaveLength(384);
    expect(header.vocabulary.tokens.slice(0, 3)).toEqual(['<unk>', '<s>', '</s>']);
    expect(header.vocabulary.tokens[300]).toBe('three hundred');
  });

  it('reads a vocabulary in which several tokens have no text, as llama.cpp does', async () => {
    const path = await tinyModel(dir, { pieces: { 300: '', 310: '' } });
    expect((await readHeader(path)).vocabulary.tokens[310]).toBe('');
  });

  it('reads a whole model under any name', async () => {
    const path = join(dir, 'named like a text.txt');
    await copyFile(EMBEDDED_PAIR.draft, path);
    expect((await readHeader(path)).vocabulary.tokens).toHaveLength(2048);
  });
});
