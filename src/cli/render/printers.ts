import type { ChalkInstance } from 'chalk';
import type { GenerationEvent } from '../../generation/events.js';
import { textOf } from '../../text/text-stream.js';
import { jsonLine, paramsJson, type Run, resultJson } from './json.js';

/** What an event adds to the output, often nothing. */
export type Printer = (event: GenerationEvent, run: Run) => string;

export interface PlainOptions {
  /** False: all of it at the end. */
  readonly stream: boolean;
  /** A terminal wants the prompt of its shell on a line of its own. */
  readonly onTerminal: boolean;
  /** Colours for what was drafted. */
  readonly highlight: ChalkInstance | undefined;
}

/** The text and nothing else. */
export function plainPrinter({ stream, onTerminal, highlight }: PlainOptions): Printer {
  let waiting = '';
  return (event) => {
    if (event.type === 'text') {
      const painted = event.pieces.map(({ text, drafted }) =>
        drafted && highlight ? highlight.green(text) : text,
      );
      if (stream) return painted.join('');
      waiting += painted.join('');
    }
    if (event.type === 'end') return waiting + (onTerminal && !event.result.text.endsWith('\n') ? '\n' : '');
    return '';
  };
}

/** One object at the end. */
export const jsonPrinter: Printer = (event, run) =>
  event.type === 'end' ? jsonLine(resultJson(run, event.result)) : '';

/** One object per event: start, text as it comes, end. */
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
