import { expect, it } from 'vitest';
import { messageOf } from '../../src/cli/failures.js';
import { UsageError } from '../../src/errors.js';

it('tells an error in one line, and leaves the rest of its words alone', () => {
  expect(messageOf(new UsageError('Cannot  read\r\n  "a\tb"\n'), false)).toBe('Cannot  read "a\tb"');
  expect(messageOf(new Error('first\nsecond'), false)).toBe('first second (-v tells more)');
  expect(messageOf('a\u2028b', false)).toBe('a b');
  expect(messageOf(new Error('first\nsecond'), true)).toMatch(/^Error: first\nsecond\n +at /);
});
