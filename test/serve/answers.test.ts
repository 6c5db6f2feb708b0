import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Grammar, GrammarSource, Model } from '../../src/engine/port.js';
import type { GenerationResult } from '../../src/generation/events.js';
import { generate, type Prompt } from '../../src/generation/generate.js';
import type { SettingsInput } from '../../src/generation/settings.js';
import { loadPair, type Pair } from '../../src/models/pair.js';
import type { Server } from '../../src/serve/server.js';
import { chatPair, OPENING_CHATML, REASONING_CHATML } from '../support/chat-models.js';
import { type Answer, asked, CHAT, COMPLETIONS, eventsOf, FIXED, post, serving } from '../support/served.js';

const RUN = { threads: 1, contextSize: 512 };
const PROMPT = 'Once upon a time';
const MESSAGES = [
  { role: 'system', content: 'Be brief.' },
  { role: 'user', content: 'Tell me a story.' },
] as const;

let folder: string;
let pair: Pair;
let server: Server;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mtad-serve-'));
  pair = await loadPair({ ...(await chatPair(folder, { template: REASONING_CHATML })), gpu: 'off' });
  server = await serving(pair);
});
afterAll(async () => {
  await server?.stop();
  await pair?.dispose();
  await rm(folder, { recursive: true });
});

/** What the library writes. */
async function written(prompt: Prompt, settings: SettingsInput): Promise<GenerationResult> {
  for await (const event of generate(pair, prompt, settings, RUN))
    if (event.type === 'end') return event.result;
  throw new Error('no end');
}

const OURS: SettingsInput = { seed: 1, draftLength: 4, maxTokens: 16 };

describe('a completion', () => {
  it('is the text that the library writes, with what it took', async () => {
    const { choices, usage, timings, ...head } = await asked(server, COMPLETIONS, {
      ...FIXED,
      prompt: PROMPT,
    });
    const { text, counters } = await written(PROMPT, OURS);
    expect(head).toEqual({
      id: expect.stringMatching(/^cmpl-./),
      object: 'text_completion',
      created: expect.any(Number),
      model: 'chat-target',
    });
    expect(choices).toEqual([{ index: 0, text, logprobs: null, finish_reason: 'length' }]);
    expect(usage).toMatchObject({ prompt_tokens: 5, completion_tokens: 16, total_tokens: 21 });
    expect(timings).toMatchObject({
      predicted_n: 16,
      draft_n: counters.drafted,
      draft_n_accepted: counters.accepted,
      target_passes: counters.targetPasses,
    });
    expect(timings.prompt_n + timings.cache_n).toBe(5);
  });

  it('takes every setting by its name in JSON, and nulls for what is left open', async () => {
    const fields = {
      strategy: 'mmtad',
      draft_length: 3,
      beam_width: 2,
      threshold: 0.2,
      temperature: 0.7,
      top_k: 20,
      top_p: 0.95,
      presence_penalty: 0.5,
      seed: 7,
      max_tokens: 12,
      stop: null,
      user: 'somebody',
    };
    const { choices } = await asked(server, COMPLETIONS, { prompt: PROMPT, ...fields });
    const { text } = await written(PROMPT, {
      strategy: 'mmtad',
      draftLength: 3,
      beamWidth: 2,
      threshold: 0.2,
      temperature: 0.7,
      topK: 20,
      topP: 0.95,
      presencePenalty: 0.5,
      seed: 7,
      maxTokens: 12,
    });
    expect(choices[0].text).toBe(text);
  });

  it.each([
    ['speculative', { strategy: 'speculative' }],
    ['mtad:0.1', { threshold: 0.1 }],
    ['autoregressive', { strategy: 'autoregressive' }],
  ] as const)('of the model %s is of that strategy', async (model, settings) => {
    const answer = await asked(server, COMPLETIONS, { ...FIXED, model, prompt: PROMPT });
    expect(answer.model).toBe(model);
    expect(answer.choices[0].text).toBe((await written(PROMPT, { ...OURS, ...settings })).text);
  });

  it('ends before a stop text, in both forms', async () => {
    const whole = (await written(PROMPT, OURS)).text;
    const word = whole.split(' ')[4]!;
    for (const stop of [word, ['never there', word]]) {
      const { choices } = await asked(server, COMPLETIONS, { ...FIXED, prompt: PROMPT, stop });
      expect(choices[0]).toMatchObject({ text: whole.slice(0, whole.indexOf(word)), finish_reason: 'stop' });
    }
  });

  it('of a prompt in tokens is that of its text', async () => {
    const tokens = pair.target.tokenizer.encode(PROMPT);
    const { choices } = await asked(server, COMPLETIONS, { ...FIXED, prompt: tokens });
    expect(choices[0].text).toBe((await written(PROMPT, OURS)).text);
  });

  it('of several prompts has several answers, each by seeds of its own', async () => {
    const { choices, usage } = await asked(server, COMPLETIONS, {
      ...FIXED,
      prompt: [PROMPT, 'The cat'],
      n: 2,
    });
    const texts = [];
    for (const prompt of [PROMPT, 'The cat'])
      for (const seed of [1, 2]) texts.push((await written(prompt, { ...OURS, seed })).text);
    expect(choices.map(({ text }: Answer) => text)).toEqual(texts);
    expect(choices.map(({ index }: Answer) => index)).toEqual([0, 1, 2, 3]);
    expect(usage.completion_tokens).toBe(64);
  });

  it('tells the log-probabilities of its tokens', async () => {
    const { choices } = await asked(server, COMPLETIONS, { ...FIXED, prompt: PROMPT, logprobs: 0 });
    const { counters } = await written(PROMPT, { ...OURS, perplexity: true });
    const { tokens, token_logprobs } = choices[0].logprobs;
    expect(tokens.join('')).toBe(choices[0].text);
    expect(token_logprobs.reduce((a: number, b: number) => a + b)).toBeCloseTo(counters.rawLogProbSum, 3);
  });

  it('obeys a JSON schema, a grammar, and JSON alone', async () => {
    const schema = {
      type: 'object',
      properties: { name: { type: 'string', maxLength: 8 }, age: { enum: [1, 2] } },
      required: ['name', 'age'],
    };
    const format = { type: 'json_schema', json_schema: { name: 'person', strict: true, schema } };
    const ofSchema = await asked(server, COMPLETIONS, {
      ...FIXED,
      max_tokens: 64,
      prompt: 'A person:',
      response_format: format,
    });
    expect(JSON.parse(ofSchema.choices[0].text)).toEqual({
      name: expect.any(String),
      age: expect.any(Number),
    });
    const grammar = 'root ::= "yes" | "no"';
    const ofGrammar = await asked(server, COMPLETIONS, { ...FIXED, prompt: 'Is it?', grammar });
    expect(ofGrammar.choices[0]).toMatchObject({
      text: expect.stringMatching(/^(yes|no)$/),
      finish_reason: 'stop',
    });
    const anyJson = { type: 'json_object' };
    for (const seed of [1, 2, 3]) {
      const { choices } = await asked(server, COMPLETIONS, {
        ...FIXED,
        seed,
        prompt: '{',
        response_format: anyJson,
        max_tokens: 300,
      });
      if (choices[0].finish_reason === 'stop') expect(JSON.parse(choices[0].text)).toBeTypeOf('object');
      else expect(choices[0].text).toMatch(/^\{/);
    }
  });

  it('comes piece by piece as the same text, and tells usage and times at the end if asked', async () => {
    const { text } = await written(PROMPT, OURS);
    const request = { ...FIXED, prompt: PROMPT, stream: true };
    const response = await post(server, COMPLETIONS, request);
    expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8');
    const events = await eventsOf(response);
    expect(events.map(({ choices }) => choices[0].text).join('')).toBe(text);
    expect(events.length).toBeGreaterThan(3);
    expect(events.at(-1)).toMatchObject({
      choices: [{ finish_reason: 'length' }],
      timings: { predicted_n: 16 },
    });
    const withUsage = await post(server, COMPLETIONS, {
      ...request,
      stream_options: { include_usage: true },
    });
    expect((await eventsOf(withUsage)).at(-1)).toMatchObject({
      choices: [],
      usage: { completion_tokens: 16 },
    });
  });
});

describe('a chat completion', () => {
  it('is the answer that the library writes', async () => {
    const { choices, object } = await asked(server, CHAT, { ...FIXED, messages: MESSAGES });
    const { text } = await written({ messages: MESSAGES }, OURS);
    expect(object).toBe('chat.completion');
    expect(choices).toEqual([
      {
        index: 0,
        message: { role: 'assistant', content: text, refusal: null },
        logprobs: null,
        finish_reason: 'length',
      },
    ]);
  });

  it('takes parts of text, developers for systems, and what was reasoned before', async () => {
    const messages = [
      {
        role: 'developer',
        content: [
          { type: 'text', text: 'Be ' },
          { type: 'text', text: 'brief.' },
        ],
      },
      { role: 'user', content: 'Hello' },
      { role: 'assistant', content: 'Hi.', reasoning_content: 'A greeting.' },
      { role: 'user', content: 'Tell me a story.' },
    ];
    const { choices } = await asked(server, CHAT, {
      ...FIXED,
      messages,
      max_tokens: undefined,
      max_completion_tokens: 16,
    });
    const { text } = await written(
      {
        messages: [
          { role: 'system', content: 'Be brief.' },
          { role: 'user', content: 'Hello' },
          { role: 'assistant', content: 'Hi.', reasoning: 'A greeting.' },
          { role: 'user', content: 'Tell me a story.' },
        ],
      },
      OURS,
    );
    expect(choices[0].message.content).toBe(text);
  });

  it('goes on with the answer that the messages end with, as the library does', async () => {
    const greedy = { temperature: 0, ignore_eos: true } as const;
    const more = { strategy: 'autoregressive', ...greedy, max_tokens: 10 };
    const ask = (messages: readonly object[], rest: object = {}) =>
      asked(server, CHAT, { ...FIXED, ...more, ...rest, messages });
    const [{ message: begun }] = (await ask(MESSAGES)).choices;
    const messages = [...MESSAGES, { role: 'assistant', content: begun.content }] as const;
    const { choices, usage } = await ask(messages);
    const whole = (await ask(MESSAGES, { max_tokens: 20 })).choices[0].message.content;
    expect(begun.content + choices[0].message.content).toBe(whole);
    expect(usage.completion_tokens).toBe(10);
    const ours: SettingsInput = {
      strategy: 'autoregressive',
      temperature: 0,
      ignoreEos: true,
      maxTokens: 10,
    };
    expect((await written({ messages }, ours)).text).toBe(choices[0].message.content);
    const stream = await eventsOf(await post(server, CHAT, { ...FIXED, ...more, messages, stream: true }));
    const deltas = stream.map((event) => event.choices[0].delta.content ?? '');
    expect(deltas.join('')).toBe(choices[0].message.content);
  });

  it('refuses such an answer by its length alone where it is too long, without its reasoning, which templates may leave out', async () => {
    const refusing = async (content: string) => {
      const messages = [...MESSAGES, { role: 'assistant', content }];
      return ((await (await post(server, CHAT, { ...FIXED, messages })).json()) as Answer).error;
    };
    const { code, message } = await refusing('word '.repeat(20_000));
    expect(code).toBe('context_length_exceeded');
    expect(message).toMatch(/^The prompt has at least \d+ tokens/);
    const thought = await refusing(`${'word '.repeat(20_000)}</think>Yes`);
    expect(thought.message).toMatch(/^The prompt has \d+ tokens/);
  });

  it('keeps such an answer within a grammar, and refuses one that is not', async () => {
    const ask = (content: string, rest: object = {}) => {
      const messages = [...MESSAGES, { role: 'assistant', content }];
      return post(server, CHAT, { ...FIXED, ...rest, messages, grammar: 'root ::= "Yes, " [a-z]{4}' });
    };
    const { choices } = (await (await ask('Yes')).json()) as Answer;
    expect(choices[0].message.content).toMatch(/^, [a-z]{4}$/);
    const refused = await ask('No');
    expect(refused.status).toBe(400);
    expect(((await refused.json()) as Answer).error.message).toMatch(/not what the grammar allows/);
    expect((await ask('No', { stream: true })).status).toBe(400);
    const begun = { role: 'assistant', content: 'Yes', reasoning_content: 'A tale.' };
    const grammar = 'root ::= "Yes, " [a-z]{4}';
    const behind = await asked(server, CHAT, { ...FIXED, messages: [...MESSAGES, begun], grammar });
    expect(behind.choices[0].message.content).toMatch(/^, [a-z]{4}$/);
  });

  it('walks a grammar along such an answer no more often for several choices', async () => {
    let walks = 0;
    const counting = async (source: GrammarSource): Promise<Grammar> => {
      const grammar = await pair.target.createGrammar(source);
      return {
        start: () => {
          const first = grammar.start();
          return {
            isComplete: first.isComplete,
            allows: (token) => first.allows(token),
            after: (token) => {
              walks += 1;
              return first.after(token);
            },
          };
        },
      };
    };
    const { tokenizer } = pair.target;
    const target: Model = {
      tokenizer,
      chatTemplate: (choice) => pair.target.chatTemplate!(choice),
      createGrammar: counting,
      createContext: (options) => pair.target.createContext(options),
    };
    const watched = await serving({ ...pair, target });
    const messages = [...MESSAGES, { role: 'assistant', content: 'Yes' }];
    const grammar = 'root ::= "Yes, " [a-z]{4}';
    await asked(watched, CHAT, { ...FIXED, messages, grammar });
    const forOne = walks;
    const { choices } = await asked(watched, CHAT, { ...FIXED, messages, grammar, n: 3 });
    await watched.stop();
    expect(choices[2].message.content).toMatch(/^, [a-z]{4}$/);
    expect(forOne).toBeGreaterThan(0);
    expect(walks - forOne).toBe(forOne);
  });

  it('goes on behind the reasoning of such an answer, or refuses to where the template lets no answer go on', async () => {
    const begun = { role: 'assistant', content: 'Once upon', reasoning_content: 'A tale.' } as const;
    const request = { ...FIXED, messages: [...MESSAGES, begun] };
    const { message } = (await asked(server, CHAT, request)).choices[0];
    expect(message.reasoning_content).toBeUndefined();
    const last = { role: 'assistant', content: 'Once upon', reasoning: 'A tale.' } as const;
    expect((await written({ messages: [...MESSAGES, last] }, OURS)).text).toBe(message.content);
    const thinking = await serving(pair, { settings: { chatTemplate: OPENING_CHATML } });
    const bare = { role: 'assistant', content: 'Once upon' };
    const refused = await post(thinking, CHAT, { ...FIXED, messages: [...MESSAGES, bare] });
    await thinking.stop();
    expect(refused.status).toBe(400);
    expect(((await refused.json()) as Answer).error.message).toMatch(
      /^The answer that the messages end with cannot go on: the chat template writes .* asks for the rest$/,
    );
  });

  it('comes piece by piece, the role first', async () => {
    const events = await eventsOf(await post(server, CHAT, { ...FIXED, messages: MESSAGES, stream: true }));
    const { text } = await written({ messages: MESSAGES }, OURS);
    expect(events[0]).toMatchObject({
      object: 'chat.completion.chunk',
      choices: [{ delta: { role: 'assistant', content: '' }, finish_reason: null }],
    });
    expect(events.map(({ choices }) => choices[0].delta.content ?? '').join('')).toBe(text);
    expect(events.at(-1).choices[0]).toMatchObject({ delta: {}, finish_reason: 'length' });
    expect(new Set(events.map(({ id }) => id)).size).toBe(1);
  });

  it('tells reasoning from the answer, whole and piece by piece', async () => {
    const grammar = String.raw`root ::= "<think>\nWell, " [a-z]{3} ".\n</think>\n\nYes, " [a-z]{4}`;
    const request = { ...FIXED, max_tokens: 100, messages: MESSAGES, grammar };
    const { message } = (await asked(server, CHAT, request)).choices[0];
    expect(message.reasoning_content).toMatch(/^Well, [a-z]{3}\.$/);
    expect(message.content).toMatch(/^Yes, [a-z]{4}$/);
    const deltas = (await eventsOf(await post(server, CHAT, { ...request, stream: true }))).map(
      ({ choices }) => choices[0].delta,
    );
    const joined = (key: string) => deltas.map((delta) => delta[key] ?? '').join('');
    expect(joined('reasoning_content').trimEnd()).toBe(message.reasoning_content);
    expect(joined('content')).toBe(message.content);
  });

  it.each([
    ['<think>\nOnce upon a time, there was a', / [a-z]/],
    ['<think>\nThere was a <', /[^<]/],
    ['<think>\n', /\S/],
  ])('goes on with the reasoning %j, and loses no blank and doubles nothing', async (content, first) => {
    const messages = [...MESSAGES, { role: 'assistant', content } as const];
    const { reasoning } = await written({ messages }, OURS);
    const { message } = (await asked(server, CHAT, { ...FIXED, messages })).choices[0];
    expect(message.reasoning_content).toMatch(new RegExp(`^${first.source}`));
    expect(message.reasoning_content).toBe(reasoning!.trimEnd());
    const events = await eventsOf(await post(server, CHAT, { ...FIXED, messages, stream: true }));
    const deltas = events.map(({ choices }) => choices[0].delta.reasoning_content ?? '');
    expect(deltas.join('')).toBe(reasoning);
  });

  it('tells the log-probabilities of its tokens', async () => {
    const { choices } = await asked(server, CHAT, { ...FIXED, messages: MESSAGES, logprobs: true });
    const { content } = choices[0].logprobs;
    expect(content).toHaveLength(16);
    expect(Buffer.from(content.flatMap(({ bytes }: Answer) => bytes)).toString()).toBe(
      choices[0].message.content,
    );
    expect(content.every(({ logprob }: Answer) => logprob <= 0)).toBe(true);
  });
});

describe('beside texts', () => {
  it('the models are the pair and its strategies', async () => {
    const { data } = (await (await fetch(`${server.url}/v1/models`)).json()) as Answer;
    expect(data.map(({ id }: Answer) => id)).toEqual([
      'chat-target',
      'mtad',
      'mmtad',
      'speculative',
      'block',
      'autoregressive',
      'mtjd',
    ]);
    expect(await (await fetch(`${server.url}/v1/models/mtad`)).json()).toEqual(data[1]);
  });

  it('health is told', async () => {
    expect(await (await fetch(`${server.url}/health`)).json()).toEqual({ status: 'ok' });
  });

  it('metrics are what Prometheus reads, and count', async () => {
    const response = await fetch(`${server.url}/metrics`);
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8');
    const before = await response.text();
    for (const line of before.trimEnd().split('\n'))
      expect(line).toMatch(/^(# (HELP|TYPE) mtad_\w+ .+|mtad_\w+(\{(\w+="[^"]*",?)+\})? [\d.e+-]+)$/);
    await asked(server, COMPLETIONS, { ...FIXED, prompt: PROMPT });
    const after = await (await fetch(`${server.url}/metrics`)).text();
    const count = (text: string) => Number(/^mtad_generation_tokens_total (\d+)/m.exec(text)?.[1]);
    expect(count(after) - count(before)).toBe(16);
    expect(after).toMatch(/^mtad_requests_total\{endpoint="\/v1\/completions",status="200"\} \d+$/m);
    expect(after).toMatch(/^mtad_spec_decode_num_accepted_tokens_per_pos_total\{position="0"\} \d+$/m);
    expect(after).toMatch(/^mtad_time_to_first_token_seconds_bucket\{le="\+Inf"\} \d+$/m);
  });
});
