import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { harmless } from '../../src/cli/harmless.js';
import { Output } from '../../src/cli/render/output.js';
import { plainPrinter } from '../../src/cli/render/printers.js';
import { ShownText } from '../../src/cli/render/shown-text.js';
import { pairOptionsOf } from '../../src/cli/runtime-options.js';
import { tinyModel } from '../support/gguf-files.js';
import { ioInMemory, runInProcess } from '../support/run-in-process.js';

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
    ['א\u200f!\u200e \u061c', 'א\u200f!\u200e \u061c'],
  ])('shows %j as %j', (text, shown) => expect(harmless(text)).toBe(shown));

  it('leaves nothing that a terminal obeys', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => !OBEYED.test(harmless(text))));
  });
});

describe('what a terminal is given', () => {
  const onTerminal = (wraps = true) => new ShownText(ioInMemory({}, true).stdout, wraps);

  it.each([
    [['a\r', '\nb'], 'a\r\nb\n'],
    [['a\r', 'b'], 'a\\u000db\n'],
    [['a\r', '\r', '', '\n'], 'a\\u000d\r\n'],
    [['a\r'], 'a\\u000d\n'],
  ])('of the pieces %j is %j', (pieces, shown) => {
    const print = plainPrinter({ stream: true, shown: onTerminal(), highlight: undefined });
    const events = [
      ...pieces.map((text) => ({ type: 'text', pieces: [{ text, drafted: false }] })),
      { type: 'end', result: { text: pieces.join('') } },
    ];
    expect(events.map((event) => print(event as never)).join('')).toBe(shown);
  });

  it('of a log is harmless, and of a text that would be lost; a pipe is given that text', async () => {
    const shown = '\\u001b]52;c;aGk=\\u0007\n';
    const pieces = [{ text: `a${OSC_52}`, drafted: false, isReasoning: false }];
    for (const isTTY of [true, false]) {
      const io = ioInMemory({}, isTTY);
      pairOptionsOf({ verbose: true } as never, io).log!(OSC_52);
      expect(io.stderr.text).toBe(shown);
      const output = new Output({ io, printer: () => '', output: undefined, trace: undefined, onLoss() {} });
      await output.take({ type: 'text', pieces }, undefined as never);
      output.rescue();
      await setImmediate(); // the stream writes one text after another
      expect(io.stderr.text.slice(shown.length)).toBe(isTTY ? `a${shown}` : `a${OSC_52}\n`);
    }
  });

  it('of a text is harmless, and a pipe is given the text', () => {
    const event = { type: 'text', pieces: [{ text: OSC_52, drafted: false }] } as never;
    const printed = (shown: ShownText | undefined) =>
      plainPrinter({ stream: true, shown, highlight: undefined })(event);
    expect(printed(undefined)).toBe(OSC_52);
    expect(printed(onTerminal(false))).toBe('\\u001b]52;c;aGk=\\u0007');
  });

  it.each([
    [`--${OSC_52}`],
    [`-\x9b`],
    ['--strategy', OSC_52],
    ['--color', OSC_52],
    ['-n', `\u202e${OSC_52}`],
    ['inspect', `--${OSC_52}`],
  ])('of an argument that cannot be read is harmless: %j', async (...args) => {
    const { stderr, exitCode } = await runInProcess(args, { isTTY: true });
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/\\u00|\\u202e/);
    expect(stderr).not.toMatch(OBEYED);
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
