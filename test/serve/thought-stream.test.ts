import { expect, it } from 'vitest';
import { ThoughtStream } from '../../src/serve/thought-stream.js';

const MARKS = { start: '<think>', end: '</think>', isOpen: true, isOfTemplate: true };

it.each([
  ['a <', 'a <'],
  ['<thi', '<thi'],
  ['<think>\n', ''],
  ['<think>\na</think>\n', 'a'],
])('reasoning that ends as %j is shown as %j', (text, shown) => {
  const thoughts = new ThoughtStream(MARKS);
  const letters = [...text].map((letter) => thoughts.push(letter));
  expect(letters.join('') + thoughts.end()).toBe(shown);
});
