import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ResourceError, UsageError } from '../../src/errors.js';
import { Conversation, type ConversationOptions } from '../../src/generation/conversation.js';
import type { ConversationEvent, GenerationResult } from '../../src/generation/events.js';
import { generate } from '../../src/generation/generate.js';
import type { SettingsInput } from '../../src/generation/settings.js';
import { loadPair, type Pair } from '../../src/models/pair.js';
import { STRATEGY_NAMES } from '../../src/strategies/index.js';
import { chatPair, OPENING_CHATML } from '../support/chat-models.js';
import { ENGINES } from '../support/representatives.js';
import { watchContexts } from './generate-run.js';

/** A model that ends its answer where others put a full stop. */
const SENTENCES = { 2: '</s>', 1985: '<|im_end|>' };

const RUN = { threads: 1, contextSize: 400 };

describe.each(ENGINES)('Conversation on engine %s', (engine) => {
  let folder: string;
  let pair: Pair;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mtad-conversation-'));
    pair = await loadPair({ ...(await chatPair(folder, { tokens: SENTENCES })), engine, gpu: 'off' });
  });
  afterAll(async () => {
    await pair?.dispose();
    await rm(folder, { recursive: true });
  });

  const open = (settings: SettingsInput = {}, run: ConversationOptions = {}) =>
    Conversation.open(pair, { maxTokens: 24, seed: 1, ...settings }, { ...RUN, ...run });

  /** The question's tokens as far as they stand behind the last answer, and what came of it. */
  async function ask(conversation: Conversation, question: string, signal?: AbortSignal) {
    const before = (await conversation.size()).tokens;
    let promptTokens = 0;
    let result: GenerationResult | undefined;
    for await (const event of conversation.ask(question, signal)) {
      if (event.type === 'start') promptTokens = event.promptTokens.length;
      if (event.type === 'end') result = event.result;
    }
    return { ...result!, newTokens: promptTokens - before, promptTokens };
  }

  it.each(STRATEGY_NAMES)(
    '%s: of the second question the target evaluates what is new, and no more',
    async (strategy) => {
      const conversation = await open({ strategy, draftLength: 4, maxTokens: 100 });
      const first = await ask(conversation, 'Tell me a story.');
      expect(first.finishReason).toBe('eos');
      expect(first.evaluated.target).toBe(first.promptTokens);
      const second = await ask(conversation, 'And then?');
      await conversation.dispose();
      expect(second.newTokens).toBeGreaterThan(5);
      expect(second.evaluated.target).toBe(second.newTokens);
      // The draft model never sees the last tokens of a block before they are part of the text.
      const { draft } = second.evaluated;
      const most = strategy === 'autoregressive' || strategy === 'mtjd' ? 0 : second.newTokens + 2;
      expect(draft).toBeLessThanOrEqual(most);
    },
  );

  it('refuses a question while it answers another, and takes it once that one is left', async () => {
    const conversation = await open();
    for await (const { type } of conversation.ask('Tell me a story.')) {
      if (type !== 'step') continue;
      await expect(ask(conversation, 'And then?')).rejects.toThrow(UsageError);
      break;
    }
    const { tokens } = await ask(conversation, 'And then?');
    await conversation.dispose();
    expect(tokens.length).toBeGreaterThan(0);
  });

  it('takes no other messages while it answers', async () => {
    const conversation = await open();
    for await (const { type } of conversation.ask('Tell me a story.'))
      if (type === 'step')
        expect(() => {
          conversation.messages = [];
        }).toThrow(UsageError);
    expect(conversation.messages).toHaveLength(2);
    conversation.messages = [];
    await conversation.dispose();
  });

  it('after an answer that was cut off, its last token is new too: no pass has seen it', async () => {
    const conversation = await open({ ignoreEos: true });
    const first = await ask(conversation, 'Tell me a story.');
    expect(first.finishReason).toBe('length');
    const second = await ask(conversation, 'And then?');
    const third = await ask(conversation, 'And then?');
    await conversation.dispose();
    expect(second.evaluated.target).toBe(second.newTokens + 1);
    expect(third.evaluated.target).toBe(third.newTokens + 1);
  });

  it('says the second time what a model says that reads the whole conversation anew', async () => {
    const greedy = { strategy: 'autoregressive', temperature: 0, maxTokens: 100 } as const;
    const conversation = await open(greedy);
    await ask(conversation, 'Tell me a story.');
    const { text } = await ask(conversation, 'And then?');
    const messages = conversation.messages.slice(0, -1);
    await conversation.dispose();
    let whole: GenerationResult | undefined;
    for await (const event of generate(pair, { messages }, greedy, RUN))
      if (event.type === 'end') whole = event.result;
    expect(text).toBe(whole!.text);
  });

  it('keeps question and answer, and begins anew where other messages are put in their place', async () => {
    const conversation = await open();
    const { text } = await ask(conversation, 'Tell me a story.');
    expect(conversation.messages).toEqual([
      { role: 'user', content: 'Tell me a story.' },
      { role: 'assistant', content: text },
    ]);
    conversation.messages = [{ role: 'system', content: 'Be brief.' }];
    const again = await ask(conversation, 'Tell me a story.');
    expect(again.evaluated.target).toBeGreaterThan(5);
    expect(again.evaluated.target).toBeLessThanOrEqual(again.promptTokens);
    conversation.messages = [];
    expect((await ask(conversation, 'Tell me a story.')).evaluated.target).toBeLessThan(again.promptTokens);
    await conversation.dispose();
  });

  it('another conversation gets all of the context, not what the one before has left', async () => {
    const conversation = await open({ ignoreEos: true, maxTokens: 30 }, { contextSize: 240 });
    for (const question of ['Tell me a story about a dog', 'Who is the little girl in the park with']) {
      conversation.messages = [{ role: 'system', content: question.repeat(16) }];
      const { promptTokens } = await ask(conversation, question);
      expect(promptTokens).toBeGreaterThan(150);
    }
    await conversation.dispose();
  });

  /** What comes of a text, and how many turns were dropped for it. */
  async function read(events: AsyncIterable<ConversationEvent>) {
    let text = '';
    let dropped = 0;
    let starts = 0;
    let result: GenerationResult | undefined;
    for await (const event of events) {
      if (event.type === 'text') text += event.pieces.map((piece) => piece.text).join('');
      if (event.type === 'shift') dropped += event.dropped;
      if (event.type === 'start') starts += 1;
      if (event.type === 'end') result = event.result;
    }
    expect(text).toBe(result!.text);
    expect(starts).toBe(1);
    return { ...result!, dropped };
  }

  it('goes on with an answer that was cut off as if it had not been', async () => {
    const greedy = { strategy: 'autoregressive', temperature: 0, ignoreEos: true } as const;
    const parts = await open({ ...greedy, maxTokens: 10 });
    const whole = await open({ ...greedy, maxTokens: 30 });
    await expect(parts.continue().next()).rejects.toThrow(/no answer yet/);
    await read(parts.ask('Tell me a story.'));
    await read(parts.continue());
    const last = await read(parts.continue());
    const { text } = await read(whole.ask('Tell me a story.'));
    expect(last.tokens).toHaveLength(10);
    expect(parts.messages.at(-1)!.content).toBe(text);
    expect(parts.messages).toEqual(whole.messages);
    await Promise.all([parts.dispose(), whole.dispose()]);
  });

  it('measures an answer that was cut off from its beginning', async () => {
    const settings = {
      temperature: 0,
      ignoreEos: true,
      quality: 1.2,
      draftLength: 4,
      maxTokens: 60,
    } as const;
    const conversation = await open(settings);
    const first = await read(conversation.ask('Tell me a story.'));
    const second = await read(conversation.continue());
    await conversation.dispose();
    const { repeated, share } = repetitionOf([...first.tokens, ...second.tokens]);
    expect(repeated).toBeGreaterThan(repetitionOf(first.tokens).repeated);
    expect(second.repetition!.share).toBeCloseTo(share, 10);
  });

  it('tosses other coins after a change of settings, unless the seed is given anew', async () => {
    const conversation = await open({ topK: 40, draftLength: 4, ignoreEos: true });
    const first = await read(conversation.ask('Tell me a story.'));
    await conversation.change({ topK: 40 });
    expect((await read(conversation.retry())).text).not.toBe(first.text);
    await conversation.change({ seed: 1 });
    expect((await read(conversation.retry())).text).toBe(first.text);
    await conversation.dispose();
  });

  it('says that questions were dropped only where the new one fits', async () => {
    const conversation = await open({}, { contextSize: 90, contextPolicy: 'shift' });
    await ask(conversation, 'Tell me a story.');
    const events: ConversationEvent[] = [];
    const asking = async () => {
      for await (const event of conversation.ask('word '.repeat(84))) events.push(event);
    };
    await expect(asking()).rejects.toThrow(ResourceError);
    await conversation.dispose();
    expect(events).toEqual([]);
  });

  it.each<[string, SettingsInput, ConversationOptions]>([
    ['a wrong grammar', { grammar: { gbnf: 'x' } }, {}],
    ['too small a context', {}, { contextSize: 1 }],
  ])('opens nothing with %s', async (_, settings, run) => {
    const watched = watchContexts(pair);
    await expect(Conversation.open(watched.pair, settings, run)).rejects.toThrow(UsageError);
    expect(watched.opened).toHaveLength(0);
  });

  it('continues no answer that came to its end, wherever else the conversation changes', async () => {
    const conversation = await open({ maxTokens: 100 });
    expect((await read(conversation.ask('Tell me a story.'))).finishReason).toBe('eos');
    await expect(conversation.continue().next()).rejects.toThrow(/nothing to continue/);
    conversation.messages = [{ role: 'system', content: 'Be brief.' }, ...conversation.messages];
    await expect(conversation.continue().next()).rejects.toThrow(/nothing to continue/);
    await conversation.dispose();
  });

  it('continues an answer that was loaded, as where it was written; after an undone question too', async () => {
    const greedy = { strategy: 'autoregressive', temperature: 0, ignoreEos: true } as const;
    const conversation = await open({ ...greedy, maxTokens: 10 });
    const begun = await read(conversation.ask('Tell me a story.'));
    const saved = conversation.messages.map((message) => ({ ...message }));
    await read(conversation.ask('And then?'));
    conversation.undo();
    const whole = await read(conversation.continue());
    const { messages } = conversation;
    expect(messages.at(-1)!.content).toBe(begun.text + whole.text);
    conversation.messages = saved;
    expect((await read(conversation.continue())).text).toBe(whole.text);
    expect(conversation.messages).toEqual(messages);
    await conversation.dispose();
  });

  it('says why an answer that was loaded cannot go on, and what to do instead', async () => {
    const conversation = await open({ chatTemplate: OPENING_CHATML });
    conversation.messages = [
      { role: 'user', content: 'Tell me a story.' },
      { role: 'assistant', content: 'Once upon' },
    ];
    await expect(conversation.continue().next()).rejects.toThrow(
      /the last answer was not written here, and the chat template writes .*; ask for the rest instead$/,
    );
    await conversation.dispose();
  });

  it('answers once more in place of an answer, and forgets a question with its answer', async () => {
    const conversation = await open({ draftLength: 4, ignoreEos: true });
    await read(conversation.ask('Tell me a story.'));
    const kept = conversation.messages;
    const first = await read(conversation.ask('And then?'));
    const second = await read(conversation.retry());
    expect(second.text).not.toBe(first.text);
    expect(conversation.messages).toEqual([
      ...kept,
      { role: 'user', content: 'And then?' },
      { role: 'assistant', content: second.text },
    ]);
    conversation.undo();
    expect(conversation.messages).toEqual(kept);
    conversation.undo();
    expect(conversation.messages).toEqual([]);
    expect(() => conversation.undo()).toThrow(UsageError);
    await expect(conversation.retry().next()).rejects.toThrow(UsageError);
    await conversation.dispose();
  });

  it('takes other settings between answers, and keeps what is in the caches', async () => {
    const conversation = await open({ maxTokens: 8, ignoreEos: true, draftLength: 2 });
    await read(conversation.ask('Tell me a story.'));
    await conversation.change({ maxTokens: 5, temperature: 0 });
    expect(conversation.settings).toMatchObject({ maxTokens: 5, temperature: 0, draftLength: 2, seed: 1 });
    const { tokens, evaluated, newTokens } = await ask(conversation, 'And then?');
    expect(tokens).toHaveLength(5);
    expect(evaluated.target).toBe(newTokens + 1);
    await expect(conversation.change({ temperature: -1 })).rejects.toThrow(UsageError);
    await conversation.change({ quality: 1.1 });
    expect(conversation.settings.threshold).toBe('auto');
    await conversation.change({ threshold: 0.3 });
    expect(conversation.settings.threshold).toBe(0.3);
    await conversation.change({ beamWidth: 6, strategy: 'mmtad' }); // more than the caches have room for
    expect((await read(conversation.ask('And then?'))).tokens).toHaveLength(5);
    await conversation.dispose();
  });

  it.each([
    ['autoregressive', {}],
    ['mtad', { draftLength: 3 }],
  ] as const)(
    '%s: drops the oldest turns where the context is full, also within an answer',
    async (strategy, more) => {
      const settings = { strategy, temperature: 0, maxTokens: 60, ignoreEos: true, ...more } as const;
      const conversation = await open(settings, { contextSize: 200, contextPolicy: 'shift' });
      conversation.messages = [{ role: 'system', content: 'Be brief.' }];
      let dropped = 0;
      for (const question of ['One', 'Two', 'Three', 'Four', 'Five', 'Six']) {
        const answer = await read(conversation.ask(question));
        dropped += answer.dropped;
        expect(answer.tokens).toHaveLength(60); // none is cut off by the context
        const { tokens, contextSize } = await conversation.size();
        expect(tokens).toBeLessThanOrEqual(contextSize);
      }
      const { messages } = conversation;
      await conversation.dispose();
      expect(dropped).toBeGreaterThan(2);
      expect(messages[0]).toEqual({ role: 'system', content: 'Be brief.' });
      expect(messages.length).toBe(1 + 2 * (6 - dropped));
      expect(messages.at(-2)).toEqual({ role: 'user', content: 'Six' });
    },
  );

  it.each([92, 93, 94, 95])(
    'says a character once within which a context of %i tokens is full',
    async (contextSize) => {
      const faces = '😀'.repeat(15);
      const settings = { temperature: 0, maxTokens: 80, grammar: { gbnf: `root ::= "${faces}"` } };
      const conversation = await open(settings, { contextSize, contextPolicy: 'shift' });
      conversation.messages = [
        { role: 'user', content: 'Tell me a story.' },
        { role: 'assistant', content: 'Once upon a time' },
      ];
      expect(await read(conversation.ask('Two'))).toMatchObject({ text: faces, dropped: 1 });
      await conversation.dispose();
    },
  );

  it('says a broken character at which an answer is cut off', async () => {
    const settings = { temperature: 0, maxTokens: 6, grammar: { gbnf: 'root ::= "😀😀😀"' } };
    const conversation = await open(settings, { contextPolicy: 'shift' });
    expect((await read(conversation.ask('One'))).text).toBe('😀\uFFFD');
    await read(conversation.continue());
    expect(conversation.messages.at(-1)!.content).toBe('😀😀😀');
    await conversation.dispose();
  });

  it('ends an answer that fills the context by itself', async () => {
    const conversation = await open(
      { ignoreEos: true, maxTokens: 500 },
      { contextSize: 120, contextPolicy: 'shift' },
    );
    expect((await read(conversation.ask('One'))).finishReason).toBe('context');
    expect(await read(conversation.ask('Two'))).toMatchObject({ finishReason: 'context', dropped: 1 });
    await conversation.dispose();
  });

  it('what a stop string cut off is no part of the conversation', async () => {
    const said = await open({ draftLength: 4 }); // with which the seed gives the same text again
    const [, word] = / (\w{3,})/.exec((await ask(said, 'Tell me a story')).text)!;
    await said.dispose();
    const conversation = await open({ stop: [word!], draftLength: 4 });
    expect((await ask(conversation, 'Tell me a story')).finishReason).toBe('stop');
    const messages = [...conversation.messages, { role: 'user', content: 'And then?' } as const];
    let prompt: readonly number[] = [];
    for await (const event of conversation.ask('And then?'))
      if (event.type === 'start') prompt = event.promptTokens;
    const template = await pair.target.chatTemplate!();
    expect(prompt).toEqual((await template!.encode(messages)).tokens);
    await conversation.dispose();
  });

  it('an interrupted answer is part of the conversation as far as it came', async () => {
    const conversation = await open({ maxTokens: 200, ignoreEos: true });
    const stop = new AbortController();
    for await (const event of conversation.ask('Tell me a story.', stop.signal))
      if (event.type === 'text') stop.abort();
    expect(conversation.messages).toHaveLength(2);
    expect(conversation.messages[1]!.content).not.toBe('');
    const second = await ask(conversation, 'Go on.');
    expect(second.evaluated.target).toBe(second.newTokens + 1);
    await conversation.dispose();
  });

  it('a question that is interrupted before its answer leaves the conversation as it was', async () => {
    const conversation = await open();
    await ask(conversation, 'Tell me a story.');
    const before = conversation.messages;
    await ask(conversation, 'And then?', AbortSignal.abort());
    expect(conversation.messages).toBe(before);
    for await (const _ of conversation.ask('And then?')) break; // nobody listens
    expect(conversation.messages).toBe(before);
    const next = await ask(conversation, 'And then?');
    expect(next.evaluated.target).toBeLessThanOrEqual(next.newTokens + 1);
    await conversation.dispose();
  });

  it('a question for which there is no room is refused, and the conversation goes on', async () => {
    const conversation = await open({}, { contextSize: 90 });
    await ask(conversation, 'Tell me a story.');
    const before = conversation.messages;
    await expect(ask(conversation, 'word '.repeat(90))).rejects.toThrow(ResourceError);
    expect(conversation.messages).toBe(before);
    expect((await ask(conversation, 'Go on.')).tokens.length).toBeGreaterThan(0);
    await conversation.dispose();
  });
});

/** The tokens that end a run of 4 which was there before. */
function repetitionOf(tokens: readonly number[]): { repeated: number; share: number } {
  const runs = tokens.slice(3).map((_, i) => tokens.slice(i, i + 4).join(' '));
  const repeated = runs.length - new Set(runs).size;
  return { repeated, share: repeated / tokens.length };
}

it('a model without a chat template cannot be talked to', async () => {
  const pair = await loadPair({ engine: 'direct', gpu: 'off' });
  await expect(Conversation.open(pair)).rejects.toThrow(UsageError);
  await pair.dispose();
});
