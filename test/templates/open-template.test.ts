import { describe, expect, it } from 'vitest';
import type { ChatMessage } from '../../src/templates/messages.js';
import { openTemplate, type TemplateChoice } from '../../src/templates/open-template.js';

const QUESTION: ChatMessage = { role: 'user', content: 'Why?' };
const SYSTEM: ChatMessage = { role: 'system', content: 'Be brief.' };
const ANSWER: ChatMessage = { role: 'assistant', content: 'So.' };

const open = (own: string | undefined, choice?: TemplateChoice) =>
  openTemplate({ model: 'a.gguf', own, bos: '<s>', eos: '</s>' }, choice);

/** Messages between brackets, the beginning of the token that opens a text before them. */
const BRACKETS =
  '{{ bos_token }}{% for m in messages %}[{{ m.role }}] {{ m.content }} [/]{% endfor %}{% if add_generation_prompt %}[assistant]{% endif %}';

describe('openTemplate', () => {
  it('renders the own template of a model, with the names of its tokens', async () => {
    const template = (await open(BRACKETS))!;
    expect(template).toMatchObject({
      name: 'own',
      takesSystem: true,
      hasSwitch: false,
      reasoning: undefined,
    });
    expect(await template.render([SYSTEM, QUESTION])).toBe(
      '<s>[system] Be brief. [/][user] Why? [/][assistant]',
    );
    expect(template.afterAnswer).toBe(' [/]');
  });

  it('finds none where there is none, and takes the one that is named or given', async () => {
    expect(await open(undefined)).toBeUndefined();
    expect(await open(undefined, { chatTemplate: 'chatml' })).toMatchObject({ name: 'chatml' });
    const given = (await open(BRACKETS, { chatTemplate: '{{ messages[0].content }}' }))!;
    expect(given.name).toBe('given');
    expect(await given.render([QUESTION])).toBe('Why?');
    for (const name of ['chatmll', 'constructor', ''])
      await expect(open(BRACKETS, { chatTemplate: name })).rejects.toThrow(/is no chat template: .*chatml/);
  });

  it.each([
    ['drops it', BRACKETS.replace('messages', "messages if m.role != 'system'")],
    ['refuses it', `{% if messages[0].role == 'system' %}{{ raise_exception('No') }}{% endif %}${BRACKETS}`],
  ])('puts a system text before the first question where the template %s', async (_, own) => {
    const template = (await open(own))!;
    expect(template.takesSystem).toBe(false);
    expect(await template.render([SYSTEM, QUESTION, ANSWER, QUESTION])).toBe(
      '<s>[user] Be brief.\n\nWhy? [/][assistant] So. [/][user] Why? [/][assistant]',
    );
    expect(await template.render([SYSTEM])).toBe('<s>[user] Be brief. [/][assistant]');
  });

  it('tells templates that want to hear of it that there are no tools', async () => {
    const template = (await open(`{% for tool in tools %}{{ tool }}{% endfor %}${BRACKETS}`))!;
    expect(await template.render([QUESTION])).toBe('<s>[user] Why? [/][assistant]');
  });

  it('refuses messages that the template refuses', async () => {
    const own = `{% if messages | length > 3 %}{{ raise_exception('Too many') }}{% endif %}${BRACKETS}`;
    await expect((await open(own))!.render([QUESTION, ANSWER, QUESTION, ANSWER])).rejects.toThrow(
      /^the chat template of a\.gguf cannot be rendered: Too many; use a known one/,
    );
  });
});

describe('reasoning', () => {
  const opening = (own: string) => own.replace('[assistant]', "[assistant]{{ '<think>\\n' }}");
  const SWITCHED = `${BRACKETS}{% if enable_thinking %}<think>{% else %}<think></think>{% endif %}`;

  it('is known from the template, and open where its prompt ends in the mark', async () => {
    expect((await open(BRACKETS))!.reasoning).toBeUndefined();
    expect((await open(opening(`{# </think> #}${BRACKETS}`)))!.reasoning).toEqual({
      start: '<think>',
      end: '</think>',
      isOpen: true,
      isOfTemplate: true,
    });
    expect((await open(`{# [/THINK] #}${BRACKETS}`))!.reasoning).toMatchObject({
      start: '[THINK]',
      isOpen: false,
    });
  });

  it('is switched, on unless it is switched off', async () => {
    for (const [think, isOpen] of [
      ['auto', true],
      ['on', true],
      ['off', false],
    ] as const)
      expect(await open(SWITCHED, { think })).toMatchObject({ hasSwitch: true, reasoning: { isOpen } });
  });

  it('is what it is without a switch', async () => {
    for (const think of ['on', 'off'] as const)
      expect(await open(BRACKETS, { think })).toMatchObject({ hasSwitch: false, reasoning: undefined });
  });

  it('of earlier answers is what the template keeps of it', async () => {
    const own = BRACKETS.replace('{{ m.content }}', '{{ m.reasoning_content }}|{{ m.content }}');
    const text = await (await open(own))!.render([QUESTION, { ...ANSWER, reasoning: 'Hm.' }, QUESTION]);
    expect(text).toContain('[assistant] Hm.|So. [/]');
  });
});
