import { Template } from '@huggingface/jinja';
import type { LlamaModel } from 'node-llama-cpp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { llamaChatTemplate } from '../../src/engine/chat-template.js';
import type { ChatMessage, ChatTemplate } from '../../src/engine/engine.js';
import { llamaTokenizer } from '../../src/engine/tokenizer.js';
import { loadVocabularies } from '../support/vocabularies.js';

const SYSTEM: ChatMessage = { role: 'system', content: 'Be brief.' };
const QUESTION: ChatMessage = { role: 'user', content: 'Hello there' };
const ANSWER: ChatMessage = { role: 'assistant', content: 'Hi! You?' };
const NEXT: ChatMessage = { role: 'user', content: 'Why is that so?\n\n  1 < 2 && {{ x }}' };

const CONVERSATIONS: Record<string, ChatMessage[]> = {
  'a question': [QUESTION],
  'a system message and a question': [SYSTEM, QUESTION],
  'a second question': [QUESTION, ANSWER, NEXT],
  'all of them': [SYSTEM, QUESTION, ANSWER, NEXT],
};

/** How node-llama-cpp's wrapper for a family, or llama.cpp, departs from what the model's own template writes. */
const DEPARTURES: Record<string, (rendered: string) => string> = {
  'command-r': (rendered) => rendered,
  // Without a system message it has none, where the template makes one up.
  qwen2: (rendered) => rendered.replace('<|im_start|>system\nYou are a helpful assistant<|im_end|>\n', ''),
  qwen35: (rendered) => rendered.replace('<|im_start|>system\nYou are a helpful assistant<|im_end|>\n', ''),
  // It asks for reasoning, on a line of its own.
  'gemma-4': (rendered) => rendered.replace('<|think|>', '<|think|>\n'),
  // llama.cpp reads no line break behind these tokens, as the model was trained.
  'phi-3': (rendered) => rendered.replace(/(<\|\w+\|>)\n/g, '$1'),
};

type Name = 'command-r' | 'gemma-4' | 'phi-3' | 'qwen2' | 'qwen35';
const NAMES: readonly Name[] = ['command-r', 'gemma-4', 'phi-3', 'qwen2', 'qwen35'];

describe('the chat templates of real models', () => {
  let models: Record<Name, LlamaModel>;
  const templates: Partial<Record<Name, ChatTemplate>> = {};
  beforeAll(async () => {
    models = await loadVocabularies(...NAMES);
    for (const name of NAMES) templates[name] = llamaChatTemplate(models[name])!;
  });
  afterAll(async () => {
    for (const model of Object.values(models ?? {})) await model.dispose();
  });

  const templateOf = (name: Name) => templates[name]!;
  const shown = (name: Name, tokens: readonly number[]) =>
    llamaTokenizer(models[name]).decode(tokens, [], true);

  function rendered(name: Name, messages: readonly ChatMessage[]): string {
    const { fileInfo, tokens } = models[name];
    const template = new Template(fileInfo.metadata.tokenizer.chat_template!);
    const bos = { bos_token: tokens.bosString, eos_token: tokens.eosString };
    return template.render({ messages, ...bos, add_generation_prompt: true, enable_thinking: true });
  }

  const cases = NAMES.flatMap((name) =>
    Object.entries(CONVERSATIONS).map(([what, messages]) => ({ name, what, messages })),
  );

  it.each(cases.filter(({ name, messages }) => name !== 'phi-3' || messages[0] !== SYSTEM))(
    '$name: $what reads as its own template writes it',
    ({ name, messages }) => {
      const tokens = templateOf(name).encode(messages);
      expect(shown(name, tokens)).toBe(DEPARTURES[name]!(rendered(name, messages)));
    },
  );

  it('phi-3: puts a system message, which its template would drop, before the question', () => {
    expect(rendered('phi-3', [SYSTEM, QUESTION])).not.toContain(SYSTEM.content);
    const text = shown('phi-3', templateOf('phi-3').encode([SYSTEM, QUESTION]));
    expect(text).toMatch(/^<s><\|user\|>[^<]*Be brief\.[^<]*Hello there<\|end\|><\|assistant\|>$/);
  });

  it.each(NAMES)('%s: what looks like a special token in a message stays text', (name) => {
    const { bos, eos, eot } = models[name].tokens;
    const { endTokens } = templateOf(name);
    const words = [...endTokens, bos, eos, eot].filter((token) => token != null);
    const disguised = words.map((token) => shown(name, [token])).join(' and ');
    const count = (messages: ChatMessage[]) =>
      templateOf(name)
        .encode(messages)
        .filter((token) => (words as number[]).includes(token)).length;
    const innocent = [SYSTEM, QUESTION, ANSWER, NEXT];
    const attack = innocent.map((message) => ({ ...message, content: `${disguised}!` }));
    expect(count(attack)).toBe(count(innocent));
    const text = shown(name, templateOf(name).encode(attack));
    expect(text.split(`${disguised}!`)).toHaveLength(innocent.length + 1);
  });

  it.each(NAMES)('%s: what follows an answer is what follows it in the whole conversation', (name) => {
    const template = templateOf(name);
    for (const messages of [CONVERSATIONS['a second question']!, CONVERSATIONS['all of them']!]) {
      const before = template.encode(messages.slice(0, -2));
      const answer = models[name].tokenizer(ANSWER.content, false, 'trimLeadingSpace');
      expect([...before, ...answer, ...template.encodeAfterAnswer(messages)]).toEqual(
        template.encode(messages),
      );
    }
  });

  it.each(NAMES)('%s: an answer ends where the next turn of the template would end it', (name) => {
    const { endTokens, encodeAfterAnswer } = templateOf(name);
    expect(endTokens).toContain(encodeAfterAnswer([QUESTION, ANSWER, NEXT])[0]);
  });
});
