import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ServedConversation } from '../../src/client/served-conversation.js';
import { TextServer } from '../../src/client/text-server.js';
import { Conversation } from '../../src/generation/conversation.js';
import { loadPair, type Pair } from '../../src/models/pair.js';
import type { Server } from '../../src/serve/server.js';
import { CHATML, chatPair } from '../support/chat-models.js';
import { serving } from '../support/served.js';
import { tries } from '../support/tries.js';

/** ChatML that trims what was said, in the manner of Llama 3 and Gemma. */
const TRIMMING_CHATML = CHATML.replace("message['content']", "message['content'] | trim");

const TEXT = 'Yes 😀 \u65e5\u672c, one  two, \n three 😀😀';
const SETTINGS = {
  strategy: 'autoregressive',
  temperature: 0,
  grammar: { gbnf: `root ::= ${JSON.stringify(TEXT)}` },
} as const;
const QUESTION = 'Tell me a story.';

/** Tokens at a time: more than a character and the blank before it have. */
const STEPS = tries([7], [6, 7, 8, 9, 10, 11, 12, 13]);

let folder: string;
let pair: Pair;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mtad-served-conversation-'));
  pair = await loadPair({ ...(await chatPair(folder)), gpu: 'off' });
});
afterAll(async () => {
  await pair?.dispose();
  await rm(folder, { recursive: true });
});

interface Talking {
  messages: Conversation['messages'];
  ask(question: string, signal: AbortSignal): AsyncIterable<unknown>;
  continue(signal: AbortSignal): AsyncIterable<unknown>;
}

/** @param isLoaded whether the conversation is saved and loaded each time before it goes on */
async function answered(conversation: Talking, isLoaded = false): Promise<string> {
  const { signal } = new AbortController();
  for await (const _ of conversation.ask(QUESTION, signal));
  const content = () => conversation.messages.at(-1)!.content;
  for (let i = 0; i < 20 && content() !== TEXT; i++) {
    if (isLoaded) conversation.messages = conversation.messages.map((message) => ({ ...message }));
    for await (const _ of conversation.continue(signal));
  }
  return content();
}

describe.each([
  ['keeps', CHATML],
  ['trims', TRIMMING_CHATML],
])('an answer that is continued until it is whole, under a template that %s its ends', (_, chatTemplate) => {
  it.each(STEPS)('has no blank twice and no broken character, %i tokens at a time', async (maxTokens) => {
    const run = { threads: 1, contextSize: 512 };
    const conversation = await Conversation.open(pair, { ...SETTINGS, chatTemplate, maxTokens }, run);
    try {
      expect(await answered(conversation)).toBe(TEXT);
      conversation.messages = [];
      expect(await answered(conversation, true)).toBe(TEXT);
    } finally {
      await conversation.dispose();
    }
  });

  describe('from a server', () => {
    let server: Server;
    beforeAll(async () => {
      server = await serving(pair, { settings: { chatTemplate } });
    });
    afterAll(() => server?.stop());

    it.each(STEPS)('nor there, %i tokens at a time', async (maxTokens) => {
      const there = { model: undefined, owner: 'mtad' };
      const given = { ...SETTINGS, maxTokens };
      const conversation = new ServedConversation(new TextServer({ url: server.url }), there, given, 'stop');
      expect(await answered(conversation)).toBe(TEXT);
    });
  });
});
