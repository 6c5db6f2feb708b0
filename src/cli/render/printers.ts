import type { ChalkInstance } from 'chalk';
import type { GenerationEvent } from '../../generation/events.js';
import { textOf } from '../../text/text-stream.js';
import type { Output } from '../io.js';
import type { BrokenEvent } from './broken-text.js';
import { jsonLine, paramsJson, type Run, resultJson, type WrittenText } from './json.js';
import { refusedText, type ShownPiece, withRefused } from './refused.js';
import type { ShownText } from './shown-text.js';

/** What a printer is told: the events of a text, and that it breaks off. */
export type PrintedEvent = GenerationEvent | BrokenEvent<WrittenText>;

/** Returns the output of an event, often ''. */
export type Printer = (event: PrintedEvent, run: Run) => string;

interface PlainOptions {
  /** Whether the text is printed as it comes, and not all at the end. */
  readonly stream: boolean;
  /** The way a terminal shows the text, with a line break behind it; undefined: no terminal does. */
  readonly shown: ShownText | undefined;
  /** Colours for drafted text; undefined = none. */
  readonly highlight: ChalkInstance | undefined;
}

/** Opens the way that a terminal shows a text. What measures the width of letters is loaded only for that. */
export async function openShownText(terminal: Output, wraps: boolean): Promise<ShownText> {
  const { ShownText } = await import('./shown-text.js');
  return new ShownText(terminal, wraps);
}

/** What is printed of a text, whoever writes it. */
type PlainEvent =
  | { readonly type: 'text'; readonly pieces: readonly ShownPiece[] }
  | { readonly type: Exclude<PrintedEvent['type'], 'text'> };

/** Prints the text and nothing else. */
export function plainPrinter({ stream, shown, highlight }: PlainOptions): (event: PlainEvent) => string {
  let waiting = '';
  let last = '';
  const print = ({ text, drafted, isRefused }: ShownPiece): string => {
    if (isRefused && !highlight) return '';
    if (!isRefused) last = text || last;
    const paint = isRefused ? highlight!.red.strikethrough : drafted && highlight ? highlight.green : plain;
    return shown ? shown.next(text, paint) : paint(text);
  };
  return (event) => {
    if (event.type === 'text') {
      const printed = event.pieces.map(print).join('');
      if (stream) return printed;
      waiting += printed;
    }
    if (event.type === 'end' || (event.type === 'broken' && stream)) {
      const isOpen = !last.endsWith('\n') && (event.type === 'end' || last !== '');
      return waiting + (shown?.end() ?? '') + (shown && isOpen ? '\n' : '');
    }
    return '';
  };
}

function plain(text: string): string {
  return text;
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
export const jsonPrinter: Printer = (event, run) => {
  if (event.type === 'end') return jsonLine(resultJson(run, event.result));
  return event.type === 'broken' ? jsonLine(brokenJson(event, run)) : '';
};

function brokenJson({ result, error }: BrokenEvent<WrittenText>, run: Run): object {
  return { ...resultJson(run, result), error };
}

/** Prints one object per event: start, text as it comes, end. */
export const jsonLinesPrinter: Printer = (event, run) => {
  switch (event.type) {
    case 'start':
      return jsonLine({ type: 'start', schema: 1, prompt_tokens: run.promptTokens, params: paramsJson(run) });
    case 'text':
      return event.pieces.length === 0 ? '' : jsonLine({ type: 'text', text: textOf(event.pieces) });
    case 'end':
      return jsonLine({ type: 'end', ...resultJson(run, event.result) });
    case 'broken':
      return jsonLine({ type: 'end', ...brokenJson(event, run) });
    default:
      return '';
  }
};
