import type { Readable } from 'node:stream';
import { UsageError } from '../errors.js';
import { type Owner, openSource, sourceName } from './open-source.js';
import type { RecordedStep, Trace } from './recorded.js';
import { type Refusal, type TraceStart, toStart, toStep } from './trace-line.js';

interface Line {
  /** Number of the line, from 1. */
  readonly number: number;
  readonly text: string;
  /** Whether a line break ends it. */
  readonly ended: boolean;
}

/** A line of a trace, in JSON. */
export interface TraceValue {
  /** Number of the line, from 1. */
  readonly number: number;
  readonly value: unknown;
  readonly refuse: Refusal;
}

/**
 * Yields the lines of a trace, from standard input if the path is `-`.
 * @returns the number of the last line, where the run ended in the middle of it; it is left out. Else null
 * @throws UsageError that names file and line, for what is not JSON
 */
export async function* traceValues(path: string, owner?: Owner): AsyncGenerator<TraceValue, number | null> {
  const { name: file, stream } = openSource(path, owner);
  let count = 0;
  let cutOff: number | null = null;
  for await (const { number, text, ended } of linesOf(stream)) {
    const refuse = (what: string) => new UsageError(`${file}, line ${number}: ${what}`);
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch (cause) {
      if (ended || !text.startsWith('{')) throw refuse(`not JSON: ${(cause as Error).message}`);
      cutOff = number;
      break;
    }
    count++;
    yield { number, value, refuse };
  }
  if (count === 0)
    throw new UsageError(`${file}, line 1: ${cutOff ? 'the start line is cut off' : 'the file is empty'}`);
  if (count === 1) throw new UsageError(`${file}, line 2: no whole step, the run ended before that`);
  return cutOff;
}

/**
 * Reads a trace of `mtad --trace`, from standard input if the path is `-`. Where the run ended in the middle of its last line,
 * all steps before that line are read, and `cutOff` is its number.
 * @throws UsageError that names file and line, for a file that is not a trace or cannot be replayed
 */
export async function readTrace(path: string, owner?: Owner): Promise<Trace> {
  const file = sourceName(path);
  const values = traceValues(path, owner);
  let start: TraceStart | undefined;
  let room = 0; // number of tokens that the limit leaves
  const steps: RecordedStep[] = [];
  let cutOff: number | null;
  try {
    let turn = await values.next();
    for (; !turn.done; turn = await values.next()) {
      const { number, value, refuse } = turn.value;
      if (!start) {
        start = toStart(value, refuse);
        room = start.maxTokens;
        continue;
      }
      const step = toStep(value, number, start, room, refuse);
      room -= step.emitted.length;
      steps.push(step);
    }
    cutOff = turn.value;
  } finally {
    await values.return(null); // closes the source of a refused trace, whose writer may go on for long
  }
  return { file, strategy: start!.strategy, rule: start!.rule, steps, cutOff };
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
