import { expect, test } from 'vitest';
import { differ, versionOf } from '../../src/models/file-version.js';

const told = (headers: Record<string, string>) => versionOf(new Headers(headers));

test.each([
  [
    { etag: 'W/"a"', 'content-length': '9' },
    { tag: 'a', bytes: 9 },
  ],
  [
    { etag: '"a"', 'content-range': 'bytes 0-0/9', 'content-length': '1' },
    { tag: 'a', bytes: 9 },
  ],
  [
    { 'content-range': 'bytes 0-0/*', 'content-length': '1' },
    { tag: undefined, bytes: undefined },
  ],
  [{ 'last-modified': 'Monday' }, { tag: 'Monday', bytes: undefined }],
  [
    { etag: '"a"', 'last-modified': 'Monday', 'x-linked-etag': '"b"', 'x-linked-size': '9' },
    { tag: 'b', bytes: 9 },
  ],
])('%j tells of %j', (headers, version) => {
  expect(told(headers)).toEqual(version);
});

test.each([
  [{ etag: '"a"' }, { etag: '"b"' }, true],
  [{ etag: '"a"', 'content-length': '9' }, { etag: '"a"', 'content-length': '8' }, true],
  [{ etag: '"a"', 'content-range': 'bytes 0-0/*' }, { etag: 'W/"a"', 'content-length': '8' }, false],
  [{ etag: '"a"', 'content-length': '9' }, { 'content-length': '9' }, false],
  [{}, { etag: '"a"', 'content-length': '9' }, false],
])('%j and %j differ: %s', (one, other, expected) => {
  expect(differ(told(one), told(other))).toBe(expected);
});
