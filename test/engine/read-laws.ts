import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Tensor, writeGguf } from '../../scripts/gguf-writer.js';
import { randomModel } from '../../scripts/make-random-model.js';
import { decodeFloats } from '../../scripts/tensor-data.js';
import type { ReadRequest } from '../../src/engine/passes.js';
import type { Engine, Model } from '../../src/engine/port.js';
import type { Mask, TopLogits } from '../../src/types.js';
import { ALL, chain, decode, forget, withContext } from './rows.js';

const STORY = 'Once upon a time, there was a little girl named Lily.';

/** What is read after a token: the largest logits, in order, and their sum over the vocabulary. */
export function readLaws(model: () => Model): void {
  const read = (top: number, logSumExp: boolean) =>
    withContext(model(), { capacity: 64, sequences: 1 }, (context) =>
      decode(context, chain(model().tokenizer.encode(STORY)), { top, logSumExp }),
    );

  it('lists every token once, the largest logit first', async () => {
    const rows = await read(0, false);
    for (const { tokens, logits } of rows) {
      expect(new Set(tokens)).toEqual(new Set(Array.from({ length: 2048 }, (_, token) => token)));
      expect(logits).toEqual(logits.toSorted((a, b) => b - a));
    }
  });

  it('gives raw log-probabilities that sum to 1 over the vocabulary when the sum is asked for', async () => {
    for (const { logits, logSumExp } of await read(0, true)) {
      const mass = logits.reduce((sum, logit) => sum + Math.exp(logit - logSumExp!), 0);
      expect(mass).toBeCloseTo(1, 4);
    }
    for (const { logSumExp } of await read(5, false)) expect(logSumExp).toBeUndefined();
  });

  it.each([1, 10, 200])('gives for top %d the head of the full list, up to a constant', async (top) => {
    const full = await read(0, false);
    const rows = await read(top, false);
    for (const [i, { tokens, logits }] of rows.entries()) {
      const all = full[i]!.logits;
      const isTie = all[top] === all[top - 1]; // among equals at the last place the engine chooses
      const clear = isTie ? all.indexOf(all[top]!) : top;
      expect(tokens).toHaveLength(top);
      expect(tokens.slice(0, clear)).toEqual(full[i]!.tokens.slice(0, clear));
      const shift = full[i]!.logits[0]! - logits[0]!;
      logits.forEach((logit, rank) => {
        expect(logit + shift).toBeCloseTo(full[i]!.logits[rank]!, 4);
      });
    }
  });

  it('sums the vocabulary as it was, or not at all, when the sum is asked for after another pass', async () => {
    const [a, b] = [model().tokenizer.encode(STORY), model().tokenizer.encode('One day, Tom')];
    await withContext(model(), { capacity: 64, sequences: 2 }, async (context) => {
      const read = { top: 5, logSumExp: true };
      const [expected] = await decode(context, chain(a.slice(0, 1)), read);
      await forget(context, 0, 0);
      const { rows } = await context.run({ keeps: [], batch: chain(a.slice(0, 1)), read });
      await decode(context, chain(b, 0, 1), read);
      let late: number | undefined;
      try {
        late = rows[0]!.logSumExp;
      } catch (error) {
        expect(String(error)).toContain('overwritten by another pass');
        return;
      }
      expect(late).toBe(expected!.logSumExp);
    });
  });

  it('leaves out ids from the end of the vocabulary, and sums them all the same', async () => {
    const tokens = model().tokenizer.encode(STORY);
    await withContext(model(), { capacity: 64, sequences: 1 }, async (context) => {
      const whole = await decode(context, chain(tokens), { top: 0, logSumExp: true });
      for (const top of [0, 7])
        for (const mask of [undefined, { allows: (token: number) => token % 2 === 0 }]) {
          await forget(context, 0, 0);
          const batch = chain(tokens).map((item) => ({ ...item, mask }));
          const rows = await decode(context, batch, { top, vocabularySize: 1000, logSumExp: true });
          for (const [i, { tokens, logSumExp }] of rows.entries()) {
            const allowed = whole[i]!.tokens.filter((token) => token < 1000 && (mask?.allows(token) ?? true));
            expect(tokens).toEqual(top === 0 ? allowed : allowed.slice(0, top));
            expect(logSumExp).toBeCloseTo(whole[i]!.logSumExp!, 5);
          }
        }
    });
  });

  it('gives the same raw log-probabilities for a short list as for the full one', async () => {
    const full = await read(0, true);
    for (const [i, { tokens, logits, logSumExp }] of (await read(10, true)).entries()) {
      expect(tokens).toHaveLength(10);
      logits.forEach((logit, rank) => {
        expect(logit - logSumExp!).toBeCloseTo(full[i]!.logits[rank]! - full[i]!.logSumExp!, 4);
      });
    }
  });
}

const TWINS = [300, 310, 320];

/** Tokens of equal logits, in a model where three tokens have the same embedding. */
export function tieLaws(engine: () => Engine): void {
  describe('tokens of equal logits', () => {
    let dir: string;
    let model: Model;
    beforeAll(async () => {
      dir = await mkdtemp(join(tmpdir(), 'mtad-ties-'));
      model = await engine().loadModel(await changedModel(dir, addTwins), {});
    });
    afterAll(() => rm(dir, { recursive: true, force: true }));

    it('come by lower token id, in lists of any length', async () => {
      const rows = (top: number) =>
        withContext(model, { capacity: 64, sequences: 1 }, (context) =>
          decode(context, chain(model.tokenizer.encode('w1 w2 Tom w3 and w4')), { ...ALL, top }),
        );
      for (const [i, { tokens, logits }] of (await rows(0)).entries()) {
        const first = tokens.indexOf(TWINS[0]!);
        expect([...tokens.slice(first, first + 3)]).toEqual(TWINS);
        expect(new Set(logits.slice(first, first + 3)).size).toBe(1);
        expect((await rows(first + 3))[i]!.tokens).toEqual(tokens.slice(0, first + 3));
      }
    });
  });
}

/** Logits of which one is no number, in a model where one token has such an embedding. */
export function noNumberLaws(engine: () => Engine): void {
  const TEN = { top: 10, logSumExp: false };
  const isEven = { allows: (token: number) => token % 2 === 0 };
  const reading = async (read: ReadRequest, mask?: Mask) => {
    const dir = await mkdtemp(join(tmpdir(), 'mtad-no-number-'));
    try {
      const model = await engine().loadModel(await changedModel(dir, addNoNumber), {});
      const batch = chain(model.tokenizer.encode('w1 w2')).map((item) => ({ ...item, mask }));
      return await withContext(model, { capacity: 64, sequences: 1 }, (context) =>
        decode(context, batch, read),
      );
    } finally {
      await rm(dir, { recursive: true, force: true });
    }
  };

  it.each([
    { name: 'all logits', read: ALL },
    { name: 'ten, and the sum of all', read: { ...TEN, logSumExp: true } },
    { name: 'ten of those that a mask allows', read: TEN, mask: isEven },
  ])('refuses a row of which one logit is no number where $name are read', async ({ read, mask }) => {
    await expect(reading(read, mask)).rejects.toThrow(/no numbers; its file may be damaged/);
  });

  it('refuses it where ten are read, or does not see it, as node-llama-cpp, and gives ten numbers', async () => {
    const answer = await reading(TEN).catch(String);
    if (engine().name === 'direct') expect(answer).toMatch(/no numbers; its file may be damaged/);
    else for (const { logits } of answer as TopLogits[]) expect(logits.every(Number.isFinite)).toBe(true);
  });
}

/** A model whose embeddings, which are its output matrix too, are changed: `width` numbers a token. */
async function changedModel(
  dir: string,
  change: (rows: Float32Array, width: number) => void,
): Promise<string> {
  const { metadata, tensors } = randomModel({
    vocab: 384,
    width: 32,
    layers: 1,
    heads: 2,
    ffn: 64,
    type: 'F32',
  });
  const path = join(dir, 'changed.gguf');
  await writeGguf(path, {
    metadata,
    tensors: tensors.map((tensor) =>
      tensor.name === 'token_embd.weight' ? changed(tensor, change) : tensor,
    ),
  });
  return path;
}

function changed(tensor: Tensor, change: (rows: Float32Array, width: number) => void): Tensor {
  const chunks = [...(tensor.data() as Iterable<ArrayBufferView>)];
  const bytes = chunks.map(
    ({ buffer, byteOffset, byteLength }) => new Uint8Array(buffer, byteOffset, byteLength),
  );
  const rows = decodeFloats(Buffer.concat(bytes), 'F32');
  change(rows, tensor.dims[0]!);
  return { ...tensor, data: () => [rows] };
}

function addTwins(rows: Float32Array, width: number): void {
  for (const twin of TWINS) rows.copyWithin(twin * width, TWINS[0]! * width, (TWINS[0]! + 1) * width);
}

function addNoNumber(rows: Float32Array, width: number): void {
  rows[360 * width] = Number.NaN;
}
