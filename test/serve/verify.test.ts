import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadPair, type Pair } from '../../src/models/pair.js';
import type { Server } from '../../src/serve/server.js';
import { Writer } from '../../src/serve/writer.js';
import { type Answer, asked, COMPLETIONS, eventually, FIXED, post, serving } from '../support/served.js';

const LONG = Array(1000).fill(5); // tokens, which are read in more than one pass

const PROMPT = 'Once upon a time';

let pair: Pair;
let server: Server;
beforeAll(async () => {
  pair = await loadPair({ gpu: 'off' });
  server = await serving(pair);
});
afterAll(async () => {
  await server?.stop();
  await pair?.dispose();
});

/** What SGLang's own client sends for a block to be judged. */
const request = (input_ids: number[] | number[][], more: object = {}) => ({
  input_ids,
  sampling_params: { max_new_tokens: 1, temperature: 0 },
  return_logprob: true,
  top_logprobs_num: 5,
  ...more,
});

const verified = (ids: number[] | number[][], more?: object): Promise<Answer> =>
  asked(server, '/generate', request(ids, more));

describe('the verification endpoint', () => {
  it('tells what the target gives to each token of a text, as SGLang does', async () => {
    const written = await asked(server, COMPLETIONS, { ...FIXED, prompt: PROMPT, logprobs: 0 });
    const prompt = pair.target.tokenizer.encode(PROMPT);
    const ids = pair.target.tokenizer.encode(PROMPT + written.choices[0].text);
    const { meta_info, output_ids } = await verified(ids, {
      logprob_start_len: prompt.length - 1,
      top_logprobs_num: 1000,
      return_text_in_logprobs: true,
    });
    const [first, ...tokens] = meta_info.input_token_logprobs;
    expect(first).toEqual([null, prompt.at(-1), ' time']);
    expect(tokens.map(([, id]: Answer) => id)).toEqual(ids.slice(prompt.length));
    expect(tokens.map(([, , text]: Answer) => text)).toEqual(written.choices[0].logprobs.tokens);
    for (const [i, [logprob]] of tokens.entries())
      expect(logprob).toBeCloseTo(written.choices[0].logprobs.token_logprobs[i], 3);
    const [none, ...tops] = meta_info.input_top_logprobs;
    expect(none).toBeNull();
    expect(tops).toHaveLength(tokens.length);
    for (const top of tops) {
      expect(top).toHaveLength(1000);
      expect(top.map(([logprob]: Answer) => logprob)).toEqual(
        top.map(([logprob]: Answer) => logprob).toSorted((a: number, b: number) => b - a),
      );
    }
    expect(meta_info).toMatchObject({ prompt_tokens: ids.length, completion_tokens: 1 });
    expect(meta_info.output_top_logprobs[0][0][1]).toBe(output_ids[0]);
    expect(meta_info.output_token_logprobs[0]).toEqual(meta_info.output_top_logprobs[0][0]);
  });

  it('evaluates only what is new', async () => {
    const ids = pair.target.tokenizer.encode('The old man sat on a bench in the park and fed the birds');
    const first = await verified(ids.slice(0, -3), { logprob_start_len: ids.length - 7 });
    expect(first.meta_info.cached_tokens).toBeLessThan(3);
    const next = await verified(ids, { logprob_start_len: ids.length - 4 });
    expect(next.meta_info.cached_tokens).toBeGreaterThanOrEqual(ids.length - 4);
  });

  it('takes several texts, and tells the same of each as alone', async () => {
    const texts = ['The cat', 'One day, a girl'].map((text) => pair.target.tokenizer.encode(text));
    const both = await verified(texts, { logprob_start_len: [0, 1] });
    for (const [i, ids] of texts.entries()) {
      const alone = await verified(ids, { logprob_start_len: i });
      const likeliest = ({ meta_info }: Answer) =>
        meta_info.input_top_logprobs.flat().map((one: Answer) => one?.[1]);
      expect(likeliest(both[i])).toEqual(likeliest(alone));
    }
  });

  it('reads a text as the target does', async () => {
    const { input_ids: _, ...rest } = request([], { text: PROMPT, logprob_start_len: 0 });
    const { meta_info } = await asked(server, '/generate', rest);
    expect(meta_info.input_token_logprobs.map(([, id]: Answer) => id)).toEqual(
      pair.target.tokenizer.encode(PROMPT),
    );
  });

  it('refuses more log-probabilities than it could send, before it evaluates any', async () => {
    const lists = Array.from({ length: 256 }, () => Array(500).fill(5));
    const response = await post(
      server,
      '/generate',
      request(lists, { top_logprobs_num: 1000, logprob_start_len: 0 }),
    );
    expect(response.status).toBe(400);
    const { error }: Answer = await response.json();
    expect(error).toMatchObject({ param: 'top_logprobs_num' });
    expect(error.message).toMatch(/asks for 128000000 log-probabilities .*; at most 1048576 are given/);
  });

  it('refuses a text that is too long before it is tokenized', async () => {
    const { input_ids: _, ...rest } = request([], { text: 'a '.repeat(3 * 2 ** 20) });
    const response = await post(server, '/generate', rest);
    expect(response.status).toBe(400);
    expect(((await response.json()) as Answer).error).toMatchObject({
      code: 'context_length_exceeded',
      message: expect.stringMatching(/has at least \d+ tokens/),
    });
  });

  it.each([
    ['nothing', { input_ids: undefined }, 'input_ids'],
    ['two texts', { text: 'a' }, 'input_ids'],
    ['an empty text', { input_ids: [] }, 'input_ids'],
    ['a token that is none', { input_ids: [99_999] }, null],
    ['a text that is too long', { input_ids: Array(600).fill(5) }, null],
    ['a place behind the text', { logprob_start_len: 9 }, 'logprob_start_len'],
    ['no log-probabilities', { return_logprob: false }, 'return_logprob'],
    ['no tokens', { top_logprobs_num: 0 }, 'top_logprobs_num'],
    [
      'a text to write',
      { sampling_params: { max_new_tokens: 5, temperature: 0 } },
      'sampling_params.max_new_tokens',
    ],
    ['chance', { sampling_params: { max_new_tokens: 1, temperature: 1 } }, 'sampling_params.temperature'],
  ])('refuses %s', async (_, more, param) => {
    const response = await post(server, '/generate', request([5, 6, 7], more));
    expect(response.status).toBe(400);
    expect(((await response.json()) as Answer).error.param).toBe(param);
  });
});

describe('a text that is judged', () => {
  const judging = (signal: AbortSignal) => {
    const writer = new Writer(pair, { threads: 1, contextSize: 1024 }, { parallel: 1, caches: 2 });
    const judged = writer.evaluate(LONG, LONG.length - 1, 1, signal).catch((error: unknown) => error);
    return { writer, judged };
  };

  it('is left unread where the server has no patience', async () => {
    const { writer, judged } = judging(new AbortController().signal);
    await eventually(
      async () => writer.running,
      (count) => count === 1,
    );
    await writer.stop(0);
    expect(await judged).toMatchObject({ status: 503, message: 'The server is stopping' });
  });

  it('is left unread where its client has gone', async () => {
    const controller = new AbortController();
    const { writer, judged } = judging(controller.signal);
    await eventually(
      async () => writer.running,
      (count) => count === 1,
    );
    controller.abort('gone');
    expect(await judged).toBe('gone');
    await writer.stop(0);
  });
});
