import type { ChalkInstance } from 'chalk';
import type { GenerationEvent } from '../../generation/events.js';
import { textOf } from '../../text/text-stream.js';
import { HarmlessPieces } from '../harmless.js';
import { jsonLine, paramsJson, type Run, resultJson } from './json.js';
import { refusedText, type ShownPiece, withRefused } from './refused.js';

/** Returns the output of an event, often ''. */
export type Printer = (event: GenerationEvent, run: Run) => string;

export interface PlainOptions {
  /** Whether the text is printed as it comes, and not all at the end. */
  readonly stream: boolean;
  /** Whether a terminal shows the text: it is given no commands, and a line break behind the text. */
  readonly onTerminal: boolean;
  /** Colours for drafted text; undefined = none. */
  readonly highlight: ChalkInstance | undefined;
}

/** What is printed of a text: its pieces, and the end, whoever writes it. */
export type PlainEvent =
  | { readonly type: 'text'; readonly pieces: readonly ShownPiece[] }
  | { readonly type: 'end'; readonly result: { readonly text: string } }
  | { readonly type: Exclude<GenerationEvent['type'], 'text' | 'end'> };

/** Prints the text and nothing else. */
export function plainPrinter({ stream, onTerminal, highlight }: PlainOptions): (event: PlainEvent) => string {
  let waiting = '';
  const shownPieces = new HarmlessPieces();
  return (event) => {
    if (event.type === 'text') {
      const painted = event.pieces.map(({ text, drafted, isRefused }) => {
        if (isRefused) return highlight?.red.strikethrough(text) ?? '';
        const shown = onTerminal ? shownPieces.next(text) : text;
        return drafted && highlight ? highlight.green(shown) : shown;
      });
      if (stream) return painted.join('');
      waiting += painted.join('');
    }
    if (event.type === 'end')
      return waiting + shownPieces.end() + (onTerminal && !event.result.text.endsWith('\n') ? '\n' : '');
    return '';
  };
}

/** Prints the text with what was drafted in colours, and what was refused struck out. For a terminal. */
export function highlightPrinter(options: PlainOptions): Printer {
  const print = plainPrinter(options);
  let refused = '';
  return (event, run) => {
    if (event.type === 'step') refused = refusedText(event.step, run.pair.target.tokenizer);
    if (event.type !== 'text') return print(event);
    const pieces = withRefused(event.pieces, refused);
    refused = '';
    return print({ type: 'text', pieces });
  };
}

/** Prints one object at the end. */
export const jsonPrinter: Printer = (event, run) =>
  event.type === 'end' ? jsonLine(resultJson(run, event.result)) : '';

/** Prints one object per event: start, text as it comes, end. */
export const jsonLinesPrinter: Printer = (event, run) => {
  switch (event.type) {
    case 'start':
      return jsonLine({ type: 'start', schema: 1, prompt_tokens: run.promptTokens, params: paramsJson(run) });
    case 'text':
      return event.pieces.length === 0 ? '' : jsonLine({ type: 'text', text: textOf(event.pieces) });
    case 'end':
      return jsonLine({ type: 'end', ...resultJson(run, event.result) });
    default:
      return '';
  }
};
