import { expect, it } from 'vitest';
import { oneLine } from '../src/one-line.js';

it('writes words of others in one line, which commands no terminal and turns no direction', () => {
  expect(oneLine(' a\r\nb\u2028c\u001b]52;c\u0007 \u202ed\t ')).toBe('a b c ]52;c d');
  expect(oneLine('کتاب\u200cها 👩\u200d🚀')).toBe('کتاب\u200cها 👩\u200d🚀'); // joiners are part of words
  expect(oneLine('abcdef', 3)).toBe('abc');
});
