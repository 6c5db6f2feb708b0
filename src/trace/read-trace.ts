import type { Readable } from 'node:stream';
import { UsageError } from '../errors.js';
import { type Owner, openSource } from './open-source.js';
import type { RecordedStep, Trace } from './recorded.js';
import { type TraceStart, toStart, toStep } from './trace-line.js';

interface Line {
  /** Number of the line, from 1. */
  readonly number: number;
  readonly text: string;
  /** Whether a line break ends it. */
  readonly ended: boolean;
}

/**
 * Reads a trace of `mtad --trace`, from standard input if the path is `-`. Where the run ended in the middle of its last line,
 * all steps before that line are read, and `cutOff` is its number.
 * @throws UsageError that names file and line, for a file that is not a trace or cannot be replayed
 */
export async function readTrace(path: string, owner?: Owner): Promise<Trace> {
  const { name: file, stream } = openSource(path, owner);
  let start: TraceStart | undefined;
  let cutOff: number | null = null;
  let room = 0; // number of tokens that the limit leaves
  const steps: RecordedStep[] = [];
  for await (const line of linesOf(stream)) {
    const refuse = (what: string) => new UsageError(`${file}, line ${line.number}: ${what}`);
    let value: unknown;
    try {
      value = JSON.parse(line.text);
    } catch (cause) {
      if (line.ended || !line.text.startsWith('{')) throw refuse(`not JSON: ${(cause as Error).message}`);
      cutOff = line.number;
      break;
    }
    if (start) {
      const step = toStep(value, line.number, start, room, refuse);
      room -= step.emitted.length;
      steps.push(step);
    } else {
      start = toStart(value, refuse);
      room = start.maxTokens;
    }
  }
  if (!start)
    throw new UsageError(`${file}, line 1: ${cutOff ? 'the start line is cut off' : 'the file is empty'}`);
  if (steps.length === 0)
    throw new UsageError(`${file}, line 2: no whole step to replay, the run ended before that`);
  const { strategy, rule } = start;
  return { file, strategy, rule, steps, cutOff };
}

/** Yields the lines of a file. Memory holds at most one line and one piece of the file. */
async function* linesOf(stream: Readable): AsyncGenerator<Line> {
  let number = 0;
  let rest = '';
  for await (const piece of piecesOf(stream)) {
    const texts = (rest + piece).split('\n');
    rest = texts.pop()!;
    for (const text of texts) yield { number: ++number, text, ended: true };
  }
  if (rest !== '') yield { number: ++number, text: rest, ended: false };
}

async function* piecesOf(stream: Readable): AsyncGenerator<string> {
  try {
    yield* stream.setEncoding('utf8') as AsyncIterable<string>;
  } catch (cause) {
    throw new UsageError(`Cannot read the trace: ${(cause as Error).message}`, { cause });
  }
}
