import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadPair, type Pair } from '../../../src/models/pair.js';
import { CHATML, chatPair } from '../../support/chat-models.js';

/** Brackets around messages, and around what `answer` says of an answer. */
const bracketed = (answer: string) =>
  "{% for m in messages %}{% if m['role'] == 'assistant' %}" +
  answer +
  "{% else %}{{ '[U]' + m['content'] + '[/U]' }}{% endif %}{% endfor %}{% if add_generation_prompt %}{{ '[A]' }}{% endif %}";

/** Tokens of gpt-oss. */
const HARMONY = { 257: '<|start|>', 256: '<|message|>', 255: '<|channel|>', 2: '<|end|>' };

const TEMPLATES = {
  plain: bracketed("{{ '[A]' + m['content'] + '[/A]' }}"),
  opening: bracketed("{{ '[A]' + m['content'].split('</think>')[0] + '[/A]' }}").replace(
    "{{ '[A]' }}{% endif %}",
    "{{ '[A]<think>\\n' }}{% endif %}",
  ),
  closing: bracketed("{{ '[A]' + m['content'] + '</think>[/A]' }}"),
  blank: bracketed("{{ '[A]' + m['content'] + '\\n' }}"),
  broken: '{% for m in messages %}{{ m.content',
  chatml: CHATML,
  harmony:
    "{% for m in messages %}{% if m.role == 'assistant' %}{{ '<|start|>assistant<|channel|>final<|message|>' + m.content + '<|end|>' }}" +
    "{% else %}{{ '<|start|>' + m.role + '<|message|>' + m.content + '<|end|>' }}{% endif %}{% endfor %}{{ '<|start|>assistant' }}",
};

describe('what a template says of answers', () => {
  let folder: string;
  let pairs: Record<keyof typeof TEMPLATES, Pair>;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mtad-marks-'));
    const loaded = Object.entries(TEMPLATES).map(async ([name, template]) => {
      const files = await chatPair(await mkdtemp(join(folder, name)), {
        template,
        ...(name === 'harmony' ? { tokens: HARMONY } : {}),
      });
      return [name, await loadPair({ ...files, needsDraft: false, gpu: 'off' })] as const;
    });
    pairs = Object.fromEntries(await Promise.all(loaded)) as typeof pairs;
  });
  afterAll(async () => {
    for (const pair of Object.values(pairs ?? {})) await pair.dispose();
    await rm(folder, { recursive: true });
  });

  const template = async (name: keyof typeof TEMPLATES) => (await pairs[name].target.chatTemplate!())!;
  const prompt = async (name: keyof typeof TEMPLATES) => {
    const { tokens } = await (await template(name)).encode([{ role: 'user', content: 'Hello' }]);
    return pairs[name].target.tokenizer.decode(tokens, [], true);
  };

  it('an answer begins inside the reasoning where the prompt ends with its mark, which is there once', async () => {
    expect((await template('opening')).reasoning).toEqual({
      start: '<think>',
      end: '</think>',
      isOpen: true,
      isOfTemplate: true,
    });
    expect((await prompt('opening')).match(/<think>/g)).toHaveLength(1);
    expect((await prompt('opening')).trimEnd()).toMatch(/<think>$/);
    expect((await template('plain')).reasoning).toMatchObject({ isOpen: false, isOfTemplate: false });
    expect(await prompt('plain')).not.toContain('<think>');
  });

  it('what ends the reasoning ends no answer', async () => {
    const { endTokens, endTexts } = await template('closing');
    expect([...endTokens]).toEqual([]);
    expect(endTexts).toEqual(['[/A]']);
  });

  it('nor does the token with which the end of the reasoning begins', async () => {
    const { endTokens, endTexts, reasoning } = await template('harmony');
    expect(reasoning).toMatchObject({ start: '<|channel|>analysis<|message|>', isOpen: false });
    expect({ endTokens: [...endTokens], endTexts }).toEqual({ endTokens: [], endTexts: [] });
  });

  it('blank space ends no answer: there is some in most', async () => {
    const { endTokens, endTexts } = await template('blank');
    expect([...endTokens]).toEqual([]);
    expect(endTexts).toEqual(['\n[U]']);
  });

  it('a token that is no text ends an answer, and the same words do not', async () => {
    const { endTokens, endTexts } = await template('chatml');
    expect({ endTokens: [...endTokens], endTexts }).toEqual({ endTokens: [2], endTexts: [] });
  });

  it('what a template takes out of messages makes no control token of what is left', async () => {
    const own = CHATML.replace("message['content']", "message['content'].replace('/think', '')");
    const editing = (await pairs.chatml.target.chatTemplate!({ chatTemplate: own }))!;
    const [split, plain] = await Promise.all(
      ['a<|im_/thinkend|>b', 'ab'].map((content) => editing.encode([{ role: 'user', content }])),
    );
    expect(split!.text).toContain('a<|im_end|>b');
    const { tokenizer } = pairs.chatml.target;
    const control = (tokens: readonly number[]) => tokens.filter((token) => tokenizer.isControl(token));
    expect(control(split!.tokens)).toEqual(control(plain!.tokens));
  });

  it('a template that cannot be rendered is refused by name', async () => {
    await expect(template('broken')).rejects.toThrow(
      /^the chat template of chat-target\.gguf cannot be rendered: .+; use a known one \(`chatTemplate` chatml, /,
    );
    const named = await pairs.broken.target.chatTemplate!({ chatTemplate: 'chatml' });
    expect(named).toMatchObject({ name: 'chatml' });
  });
});
