import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadPair, type Pair } from '../../src/models/pair.js';
import { CHATML, chatPair } from '../support/chat-models.js';

/** Brackets, unlike any template that node-llama-cpp knows, around what `answer` says of an answer. */
const bracketed = (answer: string) =>
  "{% for m in messages %}{% if m['role'] == 'assistant' %}" +
  answer +
  "{% else %}{{ '[U]' + m['content'] + '[/U]' }}{% endif %}{% endfor %}{% if add_generation_prompt %}{{ '[A]' }}{% endif %}";

const TEMPLATES = {
  plain: bracketed("{{ '[A]' + m['content'] + '[/A]' }}"),
  opening: bracketed(
    "{% if loop.last %}{{ '[A]<think>\\n' + m['content'] }}{% else %}{{ '[A]' + m['content'] + '[/A]' }}{% endif %}",
  ),
  closing: bracketed("{{ '[A]' + m['content'] + '</think>[/A]' }}"),
  blank: bracketed("{{ '[A]' + m['content'] + '\\n' }}"),
  broken: '{% for m in messages %}{{ m.content',
  chatml: CHATML,
};

describe('what a template says of answers', () => {
  let folder: string;
  let pairs: Record<keyof typeof TEMPLATES, Pair>;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'mtad-marks-'));
    const loaded = Object.entries(TEMPLATES).map(async ([name, template]) => {
      const files = await chatPair(await mkdtemp(join(folder, name)), { template });
      return [name, await loadPair({ ...files, needsDraft: false })] as const;
    });
    pairs = Object.fromEntries(await Promise.all(loaded)) as typeof pairs;
  });
  afterAll(async () => {
    for (const pair of Object.values(pairs ?? {})) await pair.dispose();
    await rm(folder, { recursive: true });
  });

  const template = (name: keyof typeof TEMPLATES) => pairs[name].target.chatTemplate!;
  const prompt = (name: keyof typeof TEMPLATES) =>
    pairs[name].target.tokenizer.decode(
      template(name).encode([{ role: 'user', content: 'Hello' }]),
      [],
      true,
    );

  it('an answer begins inside the reasoning where the prompt ends with its mark, which is there once', () => {
    expect(template('opening').reasoning).toEqual({ start: '<think>', end: '</think>', isOpen: true });
    expect(prompt('opening').match(/<think>/g)).toHaveLength(1);
    expect(prompt('opening').trimEnd()).toMatch(/<think>$/);
    expect(template('plain').reasoning).toMatchObject({ isOpen: false });
    expect(prompt('plain')).not.toContain('<think>');
  });

  it('what ends the reasoning ends no answer', () => {
    const { endTokens, endTexts } = template('closing');
    const end = pairs.closing.target.tokenizer.encode('</think>').at(-1)!;
    expect(endTokens).not.toContain(end);
    expect(endTexts.filter((text) => text.includes('</think>'))).toEqual([]);
    expect(endTexts).toContain('[/A]');
  });

  it('blank space ends no answer: there is some in most', () => {
    const { endTokens, endTexts } = template('blank');
    const { tokenizer } = pairs.blank.target;
    const ends = [...endTexts, ...[...endTokens].map((token) => tokenizer.decode([token], [], true))];
    expect(ends.filter((text) => text.trim() === '')).toEqual([]);
  });

  it('a token that is no text ends an answer, whatever would follow it', () => {
    const { endTokens, endTexts } = template('chatml');
    expect(endTokens).toContain(2);
    for (const text of endTexts) expect(text).not.toBe('');
  });

  it('says that it is a guess where the own template cannot be read', () => {
    expect(template('broken').caveat).toMatch(
      /^the chat template of chat-target\.gguf cannot be read \(.+\); "/,
    );
    expect(template('plain').caveat).toBeUndefined();
  });
});
