import { Chalk } from 'chalk';
import { describe, expect, test } from 'vitest';
import { Output } from '../../../src/cli/render/output.js';
import { type Printer, plainPrinter } from '../../../src/cli/render/printers.js';
import { withRefused } from '../../../src/cli/render/refused.js';
import { ShownText } from '../../../src/cli/render/shown-text.js';
import type { GenerationEvent } from '../../../src/generation/events.js';
import { ioInMemory } from '../../support/run-in-process.js';

const PIECES: Extract<GenerationEvent, { type: 'text' }> = {
  type: 'text',
  pieces: [
    { text: 'Once upon', drafted: false, isReasoning: false },
    { text: ' a time\nthere', drafted: true, isReasoning: false },
  ],
};

const highlight = new Chalk({ level: 1 });

test('after a failure, a text that is printed beside refused guesses is not printed again', async () => {
  const io = ioInMemory();
  const print = plainPrinter({ stream: true, shown: new ShownText(io.stdout, true), highlight });
  const printer: Printer = (event) =>
    print(event.type === 'text' ? { ...event, pieces: withRefused(event.pieces, ' the') } : event);
  const output = new Output({ io, printer, output: undefined, trace: undefined, onLoss: () => {} });
  await output.take({ ...PIECES, pieces: PIECES.pieces.toReversed() }, undefined as never);
  output.rescue();
  expect(io.stdout.text).toContain(highlight.red.strikethrough(' the'));
  expect(io.stderr.text).toBe('');
});

test('a text that breaks off is whole on a terminal, the word that was held back too, and is not printed again', async () => {
  const io = ioInMemory({}, true);
  Object.assign(io.stdout, { columns: 20 });
  const printer = plainPrinter({ stream: true, shown: new ShownText(io.stdout, true), highlight: undefined });
  const output = new Output({ io, printer, output: undefined, trace: undefined, onLoss: () => {} });
  const pieces = [{ text: 'Once upon a time there was', drafted: false, isReasoning: false }];
  await output.take({ type: 'text', pieces }, undefined as never);
  await output.take({ type: 'broken' } as never, undefined as never);
  output.rescue();
  expect(io.stdout.text).toBe('Once upon a time\nthere was\n');
  expect(io.stderr.text).toBe('');
});

describe.each([
  ['plain', undefined],
  ['highlighted', highlight],
])('after a failure, %s text', (_, colors) => {
  /** What standard error gets of a text, when the generation fails behind it. */
  async function rescued(stream: boolean): Promise<string> {
    const io = ioInMemory();
    const printer = plainPrinter({ stream, shown: undefined, highlight: colors });
    const output = new Output({ io, printer, output: undefined, trace: undefined, onLoss: () => {} });
    await output.take(PIECES, undefined as never); // of which a text uses nothing
    output.rescue();
    return io.stderr.text;
  }

  test('that is printed is not printed again', async () => {
    expect(await rescued(true)).toBe('');
  });

  test('that was held back is shown', async () => {
    expect(await rescued(false)).toBe('Once upon a time\nthere\n');
  });
});
