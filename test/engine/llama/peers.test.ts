import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PEER_NAMES, type PeerRequest, Peers, type PeerText } from '../../../src/engine/llama/peers.js';
import { loadPair, type Pair } from '../../../src/models/pair.js';
import { EMBEDDED_PAIR } from '../../../src/models/resolve.js';
import { run } from '../../generation/generate-run.js';
import { DEVICE } from '../../support/device.js';
import { firstOf, tries } from '../../support/tries.js';

/** After these the likeliest token leads clearly, so that batches which round differently choose alike. */
const CLEAR_PROMPTS = [
  'Once upon a time',
  'The cat sat',
  'One day, Sue went to the park with a brave car.',
  '"Can I see your box?" asked Jack. "It is so yellow!"',
];

const LONG = 'Once upon a time, there was a little girl named Lily. She loved to play outside. '.repeat(20);

let pair: Pair;
let peers: Peers;
let time = 0; // reads of the clock: one for each token, and some more
let atTime: (time: number) => void = () => undefined;
const now = () => {
  atTime(++time);
  return time;
};

beforeAll(async () => {
  pair = await loadPair({ gpu: DEVICE });
  const { model: target, draft } = EMBEDDED_PAIR;
  peers = await Peers.load({ target, draft, gpu: DEVICE, threads: 1, now });
});
afterAll(async () => {
  await peers.dispose();
  await pair.dispose();
});

const REQUEST = {
  maxTokens: 40,
  contextSize: 1024,
  temperature: 0,
  topK: 10,
  topP: 0.9,
  seed: 1,
  ignoreEos: false,
  signal: new AbortController().signal,
  onDecode: async () => undefined,
  onDecoded: async () => undefined,
};

function write({
  text = 'Once upon a time',
  ...rest
}: Partial<PeerRequest> & Pick<PeerRequest, 'peer'> & { text?: string }): Promise<PeerText> {
  return peers.write({
    ...REQUEST,
    prompt: pair.target.tokenizer.encode(text),
    ...rest,
  });
}

/** What autoregressive decoding writes at temperature 0. */
const ours = (prompt: string, settings: { maxTokens: number; ignoreEos?: boolean }, contextSize = 1024) =>
  run(pair, { strategy: 'autoregressive', temperature: 0, ...settings }, { prompt, contextSize });

describe.each(PEER_NAMES)('%s', (peer) => {
  it.each(firstOf(2, CLEAR_PROMPTS))('writes what we write at temperature 0 after %j', async (text) => {
    const { tokens, text: written, finishReason } = await write({ peer, text, maxTokens: 60 });
    const expected = await ours(text, { maxTokens: 60 });
    expect(tokens).toEqual(expected.tokens);
    expect(written).toBe(expected.text);
    expect(finishReason).toBe(expected.finishReason);
  });

  it('writes what we write after a prompt of many batches', async () => {
    expect(pair.target.tokenizer.encode(LONG).length).toBeGreaterThan(256);
    const { tokens } = await write({ peer, text: LONG, maxTokens: 20 });
    expect(tokens).toEqual((await ours(LONG, { maxTokens: 20 })).tokens);
  });

  it('ends where the text ends, with the token that ends it, or goes on where that is not wanted', async () => {
    const text = 'There was a dog'; // to its end the likeliest token leads by 0.03
    const ended = await ours(text, { maxTokens: 400 });
    expect(ended.finishReason).toBe('eos');
    const { tokens: ending, finishReason: end } = await write({ peer, text, maxTokens: 400 });
    expect({ ending, end }).toEqual({ ending: ended.tokens, end: 'eos' });

    const maxTokens = ended.tokens.length + 10;
    const { tokens, finishReason } = await write({ peer, text, maxTokens, ignoreEos: true });
    expect(finishReason).toBe('length');
    expect(tokens).toHaveLength(maxTokens);
    expect(tokens.filter((token) => pair.target.tokenizer.isEndOfGeneration(token))).toEqual([]);
    expect(tokens.slice(0, ended.tokens.length - 1)).toEqual(ended.tokens.slice(0, -1));
  });

  it.each(tries([1, 17], [1, 2, 17, 40]))('writes %d tokens when that is all it may', async (maxTokens) => {
    for (const temperature of [0, 1]) {
      const { tokens, finishReason } = await write({ peer, maxTokens, temperature, ignoreEos: true });
      expect(tokens).toHaveLength(maxTokens);
      expect(finishReason).toBe('length');
    }
  });

  it.each(tries([10, 40], [1, 10, 39, 40, 41]))(
    'stops where the context has room for %d tokens, as we do',
    async (room) => {
      const contextSize = pair.target.tokenizer.encode('Once upon a time').length + room;
      const { tokens, finishReason } = await write({ peer, contextSize });
      const expected = await ours('Once upon a time', { maxTokens: 40 }, contextSize);
      expect(tokens).toHaveLength(Math.min(room, 40));
      expect({ tokens, finishReason }).toEqual({
        tokens: expected.tokens,
        finishReason: expected.finishReason,
      });
    },
  );

  it('samples otherwise at temperature 1 for another seed', async () => {
    const texts = new Set<string>();
    for (const seed of [1, 2, 3, 4]) {
      const { tokens } = await write({ peer, temperature: 1, seed, maxTokens: 20 });
      texts.add(tokens.join(' '));
    }
    expect(texts.size).toBeGreaterThan(1);
  });

  it('tells its times: the prompt apart, the first token between, decoding up to the last token', async () => {
    let told = 0;
    const { tokens, prefillMs, firstTokenMs, decodeMs } = await write({
      peer,
      onDecode: async () => {
        told = time;
        for (let i = 0; i < 1000; i++) now(); // reading a meter is nobody's time
      },
    });
    expect(told).toBeGreaterThan(0);
    expect(prefillMs).toBe(1); // reads of the clock
    expect(firstTokenMs).toBe(prefillMs + 1);
    expect(decodeMs).toBe(tokens.length);
  });

  it.each(tries([5], [1, 5, 30]))('ends after token %d where it is interrupted there', async (nth) => {
    const controller = new AbortController();
    const { tokens, finishReason } = await write({
      peer,
      signal: controller.signal,
      onDecode: async () => {
        const begun = time + 1;
        atTime = (time) => time === begun + nth && controller.abort();
      },
    });
    expect(finishReason).toBe('interrupted');
    expect(tokens).toEqual((await write({ peer, maxTokens: nth })).tokens);
  });

  it('writes nothing where it is interrupted while the prompt is read', async () => {
    let decodes = false;
    const onDecode = async () => {
      decodes = true;
    };
    const interrupted = await write({ peer, text: LONG, signal: AbortSignal.abort(), onDecode });
    expect(interrupted).toMatchObject({ tokens: [], finishReason: 'interrupted', firstTokenMs: null });
    expect(decodes).toBe(false);
  });

  it('writes after a prompt of one token', async () => {
    const [first] = pair.target.tokenizer.encode('Once');
    expect((await write({ peer, prompt: [first!], maxTokens: 5 })).tokens).toHaveLength(5);
  });

  it('writes the same again and again, and keeps no memory', async () => {
    const { tokens } = await write({ peer });
    for (let i = 0; i < 5; i++) await write({ peer }); // what is kept for good is there now
    const before = process.memoryUsage().rss;
    for (let i = 0; i < tries(20, 30); i++) expect((await write({ peer })).tokens).toEqual(tokens);
    expect(process.memoryUsage().rss - before).toBeLessThan(60 * 2 ** 20); // a context has megabytes
  });
});

describe('the peers', () => {
  it('do without a draft model where nothing is predicted', async () => {
    const alone = await Peers.load({ target: EMBEDDED_PAIR.model, gpu: DEVICE, threads: 1, now });
    const request: PeerRequest = {
      ...REQUEST,
      peer: 'evaluate()',
      prompt: pair.target.tokenizer.encode('Once upon a time'),
      maxTokens: 3,
    };
    try {
      expect((await alone.write(request)).tokens).toHaveLength(3);
      await expect(alone.write({ ...request, peer: 'DraftSequenceTokenPredictor' })).rejects.toThrow(
        'needs a draft model',
      );
    } finally {
      await alone.dispose();
    }
  });

  it('keep the KV cache as they are told', async () => {
    const { model: target, draft } = EMBEDDED_PAIR;
    const cache = { cacheType: 'q8_0', flashAttention: false } as const; // a pair that llama.cpp refuses
    const refused = await Peers.load({ target, draft, gpu: DEVICE, threads: 1, now, ...cache });
    const prompt = pair.target.tokenizer.encode('Once upon a time');
    try {
      for (const peer of PEER_NAMES)
        await expect(refused.write({ ...REQUEST, prompt, peer })).rejects.toThrow('context');
    } finally {
      await refused.dispose();
    }
  });

  it('are not loaded once that was interrupted', async () => {
    const { model: target, draft } = EMBEDDED_PAIR;
    const signal = AbortSignal.abort();
    await expect(Peers.load({ target, draft, gpu: DEVICE, threads: 1, now, signal })).rejects.toThrow(
      'abort',
    );
  });

  it('are not loaded where a file is missing', async () => {
    const missing = { gpu: DEVICE, threads: 1, now } as const;
    await expect(Peers.load({ ...missing, target: 'missing.gguf' })).rejects.toThrow();
    await expect(
      Peers.load({ ...missing, target: EMBEDDED_PAIR.model, draft: 'missing.gguf' }),
    ).rejects.toThrow();
  });
});
