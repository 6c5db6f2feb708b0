import { describe, expect, it } from 'vitest';
import { createRng } from '../../src/math/rng.js';
import { answerOf, ReasoningSplitter, thoughtOf } from '../../src/text/reasoning.js';

const MARKS = { start: '<think>', end: '</think>', skipped: '<answer>', isOpen: false, isOfTemplate: true };

/** The reasoning and the answer of a text that comes in these pieces, and in which order they came. */
function split(pieces: readonly string[], isOpen = false) {
  const splitter = new ReasoningSplitter({ ...MARKS, isOpen });
  const sections = [...pieces.flatMap((piece) => splitter.push(piece)), ...splitter.flush()];
  const of = (isReasoning: boolean) =>
    sections
      .filter((section) => section.isReasoning === isReasoning)
      .map(({ text }) => text)
      .join('');
  return { reasoning: of(true), answer: of(false), order: sections.map(({ isReasoning }) => isReasoning) };
}

/** The same text in random pieces of up to three characters. */
function inPieces(text: string, seed: number): string[] {
  const rng = createRng(seed);
  const pieces: string[] = [];
  for (let at = 0; at < text.length; ) {
    const length = 1 + Math.floor(3 * rng());
    pieces.push(text.slice(at, at + length));
    at += length;
  }
  return pieces;
}

describe('ReasoningSplitter', () => {
  const texts: [text: string, isOpen: boolean, reasoning: string, answer: string][] = [
    ['<think>\nWell.\n</think>\n\nYes.', false, '<think>\nWell.\n</think>\n\n', 'Yes.'],
    ['\n <think></think>Yes.', false, '\n <think></think>', 'Yes.'],
    ['Well.\n</think>\nYes.', true, 'Well.\n</think>\n', 'Yes.'],
    ['Yes.', false, '', 'Yes.'],
    ['', false, '', ''],
    ['<thin', false, '', '<thin'],
    ['  <', false, '', '  <'],
    ['<think>Well', false, '<think>Well', ''],
    ['<think>Well</thi', false, '<think>Well</thi', ''],
    ['<think>Well</think> ', false, '<think>Well</think> ', ''],
    ['Say <think> and </think>.', false, '', 'Say <think> and </think>.'],
    ['<think>a</think>b <think>c</think>', false, '<think>a</think>', 'b <think>c</think>'],
    ['<think>a </thought> b</think>c', false, '<think>a </thought> b</think>', 'c'],
    ['日本<think>', false, '', '日本<think>'],
    ['<answer>Yes.', false, '<answer>', 'Yes.'],
    ['<answer> <think>', false, '<answer> ', '<think>'],
    ['<ans', false, '', '<ans'],
  ];

  it.each(texts)('%j: the same however the text is cut', (text, isOpen, reasoning, answer) => {
    for (let seed = 0; seed < 50; seed++) {
      const found = split(inPieces(text, seed), isOpen);
      expect({ reasoning: found.reasoning, answer: found.answer }).toEqual({ reasoning, answer });
      expect(found.order).toEqual([...found.order].sort((a, b) => Number(b) - Number(a))); // reasoning first
    }
  });

  it('holds back no more than what may be a mark', () => {
    const splitter = new ReasoningSplitter(MARKS);
    expect(splitter.push('<think>Let me see <')).toEqual([
      { text: '<think>', isReasoning: true },
      { text: 'Let me see ', isReasoning: true },
    ]);
    expect(splitter.push('b')).toEqual([{ text: '<b', isReasoning: true }]);
  });
});

it('answerOf: what follows the reasoning, or all of it where a model does not reason', () => {
  expect(answerOf({ text: '<think>a</think>\nb', reasoning: '<think>a</think>\n' })).toBe('b');
  expect(answerOf({ text: 'b', reasoning: null })).toBe('b');
});

it('thoughtOf: the reasoning without its marks', () => {
  expect(thoughtOf({ reasoning: '<think>\na b\n</think>\n\n' }, MARKS)).toBe('a b');
  expect(thoughtOf({ reasoning: 'a\n</think>' }, { ...MARKS, isOpen: true })).toBe('a');
  for (const reasoning of [null, '', '<think></think>', '<answer>'])
    expect(thoughtOf({ reasoning }, MARKS)).toBeUndefined();
  expect(thoughtOf({ reasoning: 'a' }, undefined)).toBeUndefined();
});
