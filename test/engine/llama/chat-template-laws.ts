import { Template } from '@huggingface/jinja';
import { beforeAll, describe, expect, it } from 'vitest';
import type { OpenVocabulary } from '../../../scripts/open-vocabulary.js';
import { chatTemplateOf } from '../../../src/engine/llama/chat-template.js';
import { tokenizerOf } from '../../../src/engine/llama/tokenizer.js';
import type { Vocabulary } from '../../../src/engine/llama/vocabulary.js';
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
    let models: Record<Name, Vocabulary>;
    const opened: Partial<Record<Name, OpenVocabulary>> = {};
    const templates: Partial<Record<Name, ChatTemplate>> = {};
    beforeAll(async () => {
      models = await vocabularies().loadAll(NAMES);
      for (const name of NAMES) {
        opened[name] = await vocabularies().load(name);
        templates[name] = (await chatTemplateOf(models[name], opened[name].template))!;
      }
    });

    const templateOf = (name: Name) => templates[name]!;
    const shown = (name: Name, tokens: readonly number[]) =>
      tokenizerOf(models[name]).decode(tokens, [], true);

    function rendered(name: Name, messages: readonly ChatMessage[]): string {
      const { own, bos, eos } = opened[name]!.template;
      const template = new Template(own!);
      const names = { bos_token: bos, eos_token: eos };
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
        const { leading } = models[name];
        const whole = models[name].tokenize(text, true);
        expect(tokens).toEqual(leading !== undefined && whole[0] !== leading ? [leading, ...whole] : whole);
        if (leading !== undefined) expect(tokens.filter((token) => token === leading)).toHaveLength(1);
      },
    );

    it('phi-3: puts a system message, which its template would drop, before the question', async () => {
      expect(rendered('phi-3', [SYSTEM, QUESTION])).not.toContain(SYSTEM.content);
      const { text } = await templateOf('phi-3').encode([SYSTEM, QUESTION]);
      expect(text).toBe('<s><|user|>\nBe brief.\n\nHello there<|end|>\n<|assistant|>\n');
    });

    it.each(NAMES)('%s: the names of control tokens in messages stay text', async (name) => {
      const { leading, ends } = models[name];
      const words = [...templateOf(name).endTokens, ...ends, ...(leading === undefined ? [] : [leading])];
      const disguised = words.map((token) => shown(name, [token])).join(' and ');
      const control = (tokens: readonly number[]) =>
        tokens.filter((token) => models[name].attributesOf(token).control);
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
      const letters = ANSWER.content.split('').flatMap((letter) => models[name].tokenize(letter, false));
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
