import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { harmless } from '../../src/cli/harmless.js';
import { plainPrinter } from '../../src/cli/render/printers.js';
import { tinyModel } from '../support/gguf-files.js';
import { runInProcess } from '../support/run-in-process.js';

const OSC_52 = '\x1b]52;c;aGk=\x07';
const OBEYED = /(?![\t\n\r])\p{Cc}|[\u202a-\u202e\u2066-\u2069]/u;

let dir: string;
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'mtad-harmless-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

describe('harmless', () => {
  it.each([
    ['\x1b[2J', '\\u001b[2J'],
    ['\x9b31m', '\\u009b31m'],
    ['a\u202eb', 'a\\u202eb'],
    ['line\r\nnext\tcell\n', 'line\r\nnext\tcell\n'],
    ['over\rwritten', 'over\\u000dwritten'],
    ['é漢🐙 \u200d', 'é漢🐙 \u200d'],
  ])('shows %j as %j', (text, shown) => expect(harmless(text)).toBe(shown));

  it('leaves nothing that a terminal obeys', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => !OBEYED.test(harmless(text))));
  });
});

describe('what a terminal is given', () => {
  it('of a text is harmless, and a pipe is given the text', () => {
    const event = { type: 'text', pieces: [{ text: OSC_52, drafted: false }] } as never;
    const printed = (onTerminal: boolean) =>
      plainPrinter({ stream: true, onTerminal, highlight: undefined })(event, undefined as never);
    expect(printed(false)).toBe(OSC_52);
    expect(printed(true)).toBe('\\u001b]52;c;aGk=\\u0007');
  });

  it('of a model file is harmless in reports and in messages', async () => {
    const metadata = { 'general.name': { string: OSC_52 }, 'mtad.caveat': { string: `a${OSC_52}` } };
    const model = await tinyModel(dir, { metadata });
    const kind = { 'tokenizer.ggml.model': { string: OSC_52 } };
    const refused = await tinyModel(dir, { metadata: kind }, 'refused.gguf');
    for (const args of [
      ['inspect', model],
      ['-m', model, '-n', '1', 'Once'],
      ['inspect', refused],
    ]) {
      const { stdout, stderr } = await runInProcess([...args, '--gpu', 'off'], { isTTY: true });
      expect(`${stdout}${stderr}`.replaceAll(/\p{Cc}\[[\d;?]*[a-z]/giu, '')).not.toMatch(OBEYED); // but colours
    }
    const { stderr } = await runInProcess(['-m', refused, '--gpu', 'off', 'Once']);
    expect(stderr).not.toMatch(OBEYED);
  });
});
