import { Template } from '@huggingface/jinja';
import type { LlamaModel, Token } from 'node-llama-cpp';
import { beforeAll, describe, expect, it } from 'vitest';
import { llamaChatTemplate } from '../../../src/engine/llama/chat-template.js';
import { llamaTokenizer } from '../../../src/engine/llama/tokenizer.js';
import type { ChatTemplate } from '../../../src/engine/port.js';
import type { ChatMessage } from '../../../src/templates/messages.js';
import type { Vocabularies } from '../../support/vocabularies.js';

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

type Name = 'command-r' | 'gemma-4' | 'phi-3' | 'qwen2' | 'qwen35';
const NAMES: readonly Name[] = ['command-r', 'gemma-4', 'phi-3', 'qwen2', 'qwen35'];

export const chatTemplateLaws = (vocabularies: () => Vocabularies) =>
  describe('the chat templates of real models', () => {
    let models: Record<Name, LlamaModel>;
    const templates: Partial<Record<Name, ChatTemplate>> = {};
    beforeAll(async () => {
      models = await vocabularies().loadAll(NAMES);
      for (const name of NAMES) templates[name] = (await llamaChatTemplate(models[name]))!;
    });

    const templateOf = (name: Name) => templates[name]!;
    const shown = (name: Name, tokens: readonly number[]) =>
      llamaTokenizer(models[name]).decode(tokens, [], true);

    function rendered(name: Name, messages: readonly ChatMessage[]): string {
      const { fileInfo, tokens } = models[name];
      const template = new Template(fileInfo.metadata.tokenizer.chat_template!);
      const names = { bos_token: tokens.bosString, eos_token: tokens.eosString };
      return template.render({ messages, ...names, add_generation_prompt: true, enable_thinking: true });
    }

    const cases = NAMES.flatMap((name) =>
      Object.entries(CONVERSATIONS).map(([what, messages]) => ({ name, what, messages })),
    ).filter(({ name, messages }) => name !== 'phi-3' || messages[0] !== SYSTEM);

    it.each(cases)(
      '$name: $what is what its own template writes, read as llama.cpp reads it',
      async ({ name, messages }) => {
        const { text, tokens } = await templateOf(name).encode(messages);
        expect(text).toBe(rendered(name, messages));
        const { bos, shouldPrependBosToken } = models[name].tokens;
        const whole: number[] = models[name].tokenize(text, true);
        expect(tokens).toEqual(shouldPrependBosToken && whole[0] !== bos ? [bos, ...whole] : whole);
        expect(tokens.filter((token) => token === bos)).toHaveLength(shouldPrependBosToken ? 1 : 0);
      },
    );

    it('phi-3: puts a system message, which its template would drop, before the question', async () => {
      expect(rendered('phi-3', [SYSTEM, QUESTION])).not.toContain(SYSTEM.content);
      const { text } = await templateOf('phi-3').encode([SYSTEM, QUESTION]);
      expect(text).toBe('<s><|user|>\nBe brief.\n\nHello there<|end|>\n<|assistant|>\n');
    });

    it.each(NAMES)('%s: the names of control tokens in messages stay text', async (name) => {
      const { bos, eos, eot } = models[name].tokens;
      const words = [...templateOf(name).endTokens, bos, eos, eot].filter((token) => token != null);
      const disguised = words.map((token) => shown(name, [token])).join(' and ');
      const control = (tokens: readonly number[]) =>
        tokens.filter((token) => models[name].getTokenAttributes(token as Token).control);
      const innocent = [SYSTEM, QUESTION, ANSWER, NEXT];
      const attack = innocent.map((message) => ({ ...message, content: `${disguised}\ue000!` }));
      const [quiet, loud] = await Promise.all([innocent, attack].map((m) => templateOf(name).encode(m)));
      expect(control(loud!.tokens)).toEqual(control(quiet!.tokens));
      expect(loud!.text.split(`${disguised}\ue000!`)).toHaveLength(innocent.length + 1);
      expect(shown(name, loud!.tokens).split(`${disguised}\ue000!`)).toHaveLength(innocent.length + 1);
    });

    it.each(NAMES)('%s: of what was written the tokens are kept, however they spell it', async (name) => {
      const template = templateOf(name);
      const prompt = await template.encode([QUESTION]);
      const letters = ANSWER.content
        .split('')
        .flatMap((letter) => models[name].tokenize(letter, false, 'trimLeadingSpace'));
      const written = { text: prompt.text + ANSWER.content, tokens: [...prompt.tokens, ...letters] };
      const next = [QUESTION, ANSWER, NEXT];
      const [kept, canonical] = await Promise.all([template.encode(next, written), template.encode(next)]);
      expect(kept.text).toBe(canonical.text);
      expect(kept.tokens.slice(0, written.tokens.length)).toEqual(written.tokens);
      expect(kept.tokens.length - canonical.tokens.length).toBe(
        letters.length - models[name].tokenize(ANSWER.content, false).length,
      );
      const other = [QUESTION, { ...ANSWER, content: 'No.' }, NEXT];
      expect(await template.encode(other, written)).toEqual(await template.encode(other));
    });

    it.each(NAMES)('%s: an answer ends with the token that the template writes behind it', async (name) => {
      const { endTokens, endTexts } = templateOf(name);
      const { text } = await templateOf(name).encode([QUESTION, ANSWER, NEXT]);
      const [, behind] = text.split(ANSWER.content);
      const [end] = [...endTokens].map((token) => shown(name, [token]));
      expect(behind!.trimStart().startsWith(end!)).toBe(true);
      expect(endTexts).toEqual([]);
    });
  });
