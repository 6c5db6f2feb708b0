import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readPrompts } from '../../src/benchmark/prompts.js';
import { UsageError } from '../../src/errors.js';

const ALL = Number.POSITIVE_INFINITY;

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'mtad-prompts-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

async function read(content: string, limit = ALL) {
  const path = join(dir, 'prompts.jsonl');
  await writeFile(path, content);
  return readPrompts(path, limit);
}

const plain = (...texts: string[]) => texts.map((prompt) => JSON.stringify({ prompt })).join('\n');

describe('prompts of a file', () => {
  it('come in the plain shape and in that of Spec-Bench, first turn alone, in order', async () => {
    const lines = [
      { prompt: 'One' },
      { question_id: 81, category: 'writing', turns: ['Two', 'More of it'] },
      { question_id: 'x7', prompt: 'Three', reference: ['what a good answer is'] },
      { turns: ['Four'] },
    ];
    expect(await read(lines.map((line) => JSON.stringify(line)).join('\n'))).toEqual([
      { id: '1', text: 'One' },
      { id: '81', text: 'Two' },
      { id: 'x7', text: 'Three' },
      { id: '4', text: 'Four' },
    ]);
  });

  it('may have spaces, line ends and other scripts in them', async () => {
    const texts = [' a\n\tb ', 'Été 😀', '"quoted"', '\\'];
    expect((await read(plain(...texts))).map(({ text }) => text)).toEqual(texts);
  });

  it.each([
    { what: 'a line end at the end', content: '{"prompt":"a"}\n{"prompt":"b"}\n' },
    { what: 'line ends of Windows', content: '{"prompt":"a"}\r\n{"prompt":"b"}\r\n' },
    { what: 'a byte order mark', content: '\uFEFF{"prompt":"a"}\n{"prompt":"b"}' },
    { what: 'blank lines', content: '\n{"prompt":"a"}\n  \n\r\n{"prompt":"b"}\n\n' },
  ])('are the same with $what', async ({ content }) => {
    expect((await read(content)).map(({ text }) => text)).toEqual(['a', 'b']);
  });

  it('have ids that tell them apart, whatever the file calls them', async () => {
    const ids = [3, '3', 3, undefined, 4, 'x', 3, 'x'];
    const prompts = await read(
      ids.map((question_id) => JSON.stringify({ question_id, prompt: 'a' })).join('\n'),
    );
    expect(prompts).toHaveLength(ids.length);
    expect(new Set(prompts.map(({ id }) => id)).size).toBe(ids.length);
    expect(prompts[0]!.id).toBe('3');
    expect(prompts[1]!.id).toBe('3 (line 2)');
  });

  it('have ids that do nothing to a terminal, and are told apart without that', async () => {
    const ids = ['\u001B[31mred\u0007', '\u001B[0m', 'a\nb', 'a\tb'];
    const prompts = await read(
      ids.map((question_id) => JSON.stringify({ question_id, prompt: 'a' })).join('\n'),
    );
    expect(prompts.map(({ id }) => id)).toEqual(['[31mred', '[0m', 'a b', 'a b (line 4)']);
  });

  it('are as many as the limit, or all there are', async () => {
    const texts = ['a', 'b', 'c'];
    for (const limit of [1, 2, 3, 4, ALL])
      expect((await read(plain(...texts), limit)).map(({ text }) => text)).toEqual(texts.slice(0, limit));
  });
});

describe('a file of prompts', () => {
  it.each([
    { what: 'is not JSON', line: '{"prompt": "a"' },
    { what: 'is text', line: 'Once upon a time' },
    { what: 'is no object', line: '"a"' },
    { what: 'is null', line: 'null' },
    { what: 'is a list', line: '["a"]' },
    { what: 'has another key', line: '{"text":"a"}' },
    { what: 'has an empty text', line: '{"prompt":""}' },
    { what: 'has no text', line: '{"prompt":7}' },
    { what: 'has no turns', line: '{"question_id":1,"turns":[]}' },
    { what: 'has turns that are one text', line: '{"turns":"a"}' },
    { what: 'has an id that is none', line: '{"question_id":[1],"prompt":"a"}' },
  ])('is refused, with its name and the line that $what', async ({ line }) => {
    const content = `${plain('a')}\n\n${line}\n${plain('b')}`;
    for (const limit of [ALL, 1]) {
      const refused = read(content, limit); // a limit does not hide what is wrong behind it
      await expect(refused).rejects.toThrow(UsageError);
      await expect(refused).rejects.toThrow(/prompts\.jsonl, line 3 /);
    }
  });

  it.each(['', '\n', '\uFEFF', ' \r\n \r\n'])('is refused where it is empty: %j', async (content) => {
    const refused = read(content);
    await expect(refused).rejects.toThrow(UsageError);
    await expect(refused).rejects.toThrow(/prompts\.jsonl holds no prompts/);
  });

  it('is refused by name where it is missing, or a folder', async () => {
    for (const path of [join(dir, 'missing.jsonl'), dir]) {
      await expect(readPrompts(path, ALL)).rejects.toThrow(UsageError);
      await expect(readPrompts(path, ALL)).rejects.toThrow(/Cannot read the prompts/);
    }
    await expect(readPrompts(join(dir, 'missing.jsonl'), ALL)).rejects.toThrow('missing.jsonl');
  });
});

describe('the built-in prompts', () => {
  it('are texts with ids of their own', async () => {
    const prompts = await readPrompts(undefined, ALL);
    expect(prompts.length).toBeGreaterThan(10);
    expect(new Set(prompts.map(({ id }) => id)).size).toBe(prompts.length);
    expect(new Set(prompts.map(({ text }) => text)).size).toBe(prompts.length);
    expect(await readPrompts(undefined, 10)).toEqual(prompts.slice(0, 10));
  });
});
