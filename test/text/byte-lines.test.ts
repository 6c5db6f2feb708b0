import fc from 'fast-check';
import { expect, it } from 'vitest';
import { type ByteLine, byteLines } from '../../src/text/byte-lines.js';

async function read(text: string | Buffer, piece: number, longest = 1000) {
  const bytes = Buffer.from(text);
  async function* pieces() {
    for (let i = 0; i < bytes.length; i += piece) yield bytes.subarray(i, i + piece);
  }
  const lines: ByteLine[] = [];
  for await (const line of byteLines(pieces(), longest)) lines.push(line);
  return lines;
}

it('gives the lines of a file, in whatever pieces it comes', async () => {
  const text = fc.string({ unit: fc.constantFrom('a', '\n', '\r', 'é') });
  await fc.assert(
    fc.asyncProperty(text, fc.integer({ min: 1, max: 5 }), async (text, piece) => {
      const lines = await read(text, piece);
      const expected = text.split('\n');
      if (expected.at(-1) === '') expected.pop();
      expect(lines.map(({ bytes }) => `${bytes}`)).toEqual(expected.map((line) => line.replace(/\r$/, '')));
      expect(lines.reduce((sum, { length }) => sum + length, 0)).toBe(Buffer.byteLength(text));
      for (const { offset, length, ended } of lines)
        expect(Buffer.from(text)[offset + length - 1] === 0x0a).toBe(ended);
    }),
  );
});

it('leaves out a byte order mark, and the bytes of a line that is too long', async () => {
  const lines = await read('\uFEFFab\nabcdefgh\nc', 3, 6);
  expect(lines.map(({ bytes, length }) => [bytes?.toString(), length])).toEqual([
    ['ab', 6],
    [undefined, 9],
    ['c', 1],
  ]);
});
