import { describe, expect, it } from 'vitest';
import { UsageError } from '../../src/errors.js';
import { STRATEGY_NAMES } from '../../src/strategies/index.js';
import { readTrace } from '../../src/trace/read-trace.js';
import { inFile } from './traced-run.js';

const START = {
  type: 'start',
  schema: 1,
  strategy: 'mtad',
  params: { strategy: 'mtad', draft_length: 3, threshold: 0.5, clip: false, max_tokens: 10_000, stop: [] },
  prompt_tokens: [1, 420],
};
const STEP = {
  type: 'step',
  index: 0,
  position: 2,
  draft: [10, 11, 12],
  log_q: [-0.5, -0.25, -0.125],
  log_p: [-0.5, -0.25, null],
  accepted: 2,
  next: 13,
  emitted: [10, 11, 13],
  raw_log_p: null,
  ms: { draft: 3, verify: 2, own: 1 },
};
const NODES = [
  { token: 10, parent: -1, log_q: -0.5, log_p: -0.5 },
  { token: 20, parent: -1, log_q: -1, log_p: null },
  { token: 11, parent: 0, log_q: -0.25, log_p: -0.25 },
];

/** A file of these lines, strings as they are. */
const fileOf = (...lines: (object | string)[]) =>
  lines.map((line) => `${typeof line === 'string' ? line : JSON.stringify(line)}\n`).join('');
const read = (content: string | Uint8Array) => inFile(content, readTrace);

/** The message of the refusal, without the name of the file. */
async function refusal(content: string): Promise<string> {
  return inFile(content, async (file) => {
    const error: unknown = await readTrace(file).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(UsageError);
    const { message } = error as UsageError;
    expect(message.startsWith(`${file}, line `)).toBe(true);
    return message.slice(`${file}, `.length);
  });
}

describe('readTrace', () => {
  it('reads what was recorded, null as the log of 0', async () => {
    const trace = await inFile(fileOf(START, STEP, { ...STEP, index: 1 }), async (file) => {
      const trace = await readTrace(file);
      expect(trace.file).toBe(file);
      return trace;
    });
    expect(trace).toMatchObject({
      strategy: 'mtad',
      rule: { threshold: 0.5, draftLength: 3, clip: false },
      cutOff: null,
    });
    const step = {
      nodes: [
        { token: 10, parent: -1, logQ: -0.5, logP: -0.5 },
        { token: 11, parent: 0, logQ: -0.25, logP: -0.25 },
        { token: 12, parent: 1, logQ: -0.125, logP: -Infinity },
      ],
      accepted: 2,
      emitted: [10, 11, 13],
    };
    expect(trace.steps).toEqual([
      { index: 0, line: 2, room: 10_000, ...step },
      { index: 1, line: 3, room: 9_997, ...step },
    ]);
  });

  it('reads all nodes of a draft that branches', async () => {
    const { steps } = await read(fileOf({ ...START, strategy: 'mmtad' }, { ...STEP, nodes: NODES }));
    expect(steps[0]!.nodes.map(({ token, parent, logP }) => [token, parent, logP])).toEqual([
      [10, -1, -0.5],
      [20, -1, -Infinity],
      [11, 0, -0.25],
    ]);
  });

  it('reads numbers to the last bit', async () => {
    const log_q = [-Math.PI, -Number.MIN_VALUE, -Number.MAX_VALUE];
    const { steps, rule } = await read(
      fileOf({ ...START, params: { ...START.params, threshold: 0.1 + 0.2 } }, { ...STEP, log_q }),
    );
    expect(steps[0]!.nodes.map(({ logQ }) => logQ)).toEqual(log_q);
    expect(rule.threshold).toBe(0.1 + 0.2);
  });

  it('takes nothing but a line feed for the end of a line', async () => {
    const stop = ['\u2028', '\u2029', '\u0085', '\r'];
    const start = { ...START, params: { ...START.params, stop } };
    expect((await read(fileOf(start, STEP))).steps).toHaveLength(1);
    expect((await read(fileOf(start, STEP).replaceAll('\n', '\r\n'))).steps).toHaveLength(1);
  });

  it('reads files that come in many pieces, and long lines', async () => {
    const start = { ...START, prompt_tokens: Array.from({ length: 60_000 }, (_, i) => i) };
    const steps = Array.from({ length: 2000 }, (_, index) => ({
      ...STEP,
      index,
      note: 'é'.repeat(index % 70),
    }));
    const trace = await read(fileOf(start, ...steps));
    expect(trace.steps.map(({ index, line }) => [index, line])).toEqual(steps.map((_, i) => [i, i + 2]));
  });

  describe('refuses, naming the line,', () => {
    const following = (...lines: (object | string)[]) => fileOf(START, STEP, ...lines);
    const step = (change: object) => following({ ...STEP, ...change });
    const start = (change: object) => fileOf({ ...START, ...change }, STEP);
    const params = (change: object) => start({ params: { ...START.params, ...change } });
    const tree = (nodes: object[]) => fileOf({ ...START, strategy: 'mmtad' }, STEP, { ...STEP, nodes });

    it.each<[what: string, content: string, message: RegExp]>([
      ['an empty file', '', /^line 1: the file is empty$/],
      ['text', 'Once upon a time', /^line 1: not JSON: /],
      ['a line that is not JSON', following('once', STEP), /^line 3: not JSON: .*once/],
      ['an empty line', following('', STEP), /^line 3: not JSON/],
      ['an unfinished line that is not the last', following('{"type":"st', STEP), /^line 3: not JSON/],
      ['a last line that never was one of a trace', `${following()}once`, /^line 3: not JSON/],
      ['JSON of another kind', '{"schema":1,"text":"once"}', /^line 1: not the start line .*--trace/],
      ['a number', '7\n', /^line 1: .*expected object/],
      ['a list', '[]\n', /^line 1: .*expected object/],
      ['a missing start line', fileOf(STEP, STEP), /^line 1: not the start line/],
      ['a second start line', following(START, STEP), /^line 3: another start line/],
      ['another schema', start({ schema: 2 }), /^line 1: schema 2; .* reads schema 1$/],
      ['no schema', start({ schema: undefined }), /^line 1: schema undefined/],
      ['events of --jsonl', start({ strategy: undefined }), /^line 1: not the start line/],
      ['no parameters', start({ params: undefined }), /^line 1: params: /],
      ['no threshold', params({ threshold: undefined }), /^line 1: params\.threshold: /],
      ['a threshold of 0', params({ threshold: 0 }), /^line 1: params\.threshold: /],
      ['a moved threshold that is nowhere', params({ threshold: 'auto' }), /^line 2: no threshold, .* moved/],
      ['a step with a threshold of 0', step({ threshold: 0 }), /^line 3: threshold: /],
      ['a draft length of 1.5', params({ draft_length: 1.5 }), /^line 1: params\.draft_length: /],
      ['a clip of "no"', params({ clip: 'no' }), /^line 1: params\.clip: true or false/],
      ['a start without steps', fileOf(START), /^line 2: no whole step/],
      ['a start and part of a step', `${fileOf(START)}{"type":"st`, /^line 2: no whole step/],
      ['part of a start', '{"type":"st', /^line 1: the start line is cut off$/],
      ['a line that is null', following('null'), /^line 3: .*expected object/],
      ['a line of another type', step({ type: 'end' }), /^line 3: type: /],
      ['a missing key', step({ log_p: undefined }), /^line 3: log_p: /],
      ['a word for a number', step({ log_q: [-1, 'x', -1] }), /^line 3: log_q\.1: .*number/],
      ['a probability above 1', step({ log_p: [-1, 0.5, -1] }), /^line 3: log_p\.1: /],
      [
        'an infinite number',
        following(JSON.stringify(STEP).replace('-0.25', '-1e999')),
        /^line 3: log_q\.1: /,
      ],
      ['lists of different lengths', step({ log_q: [-1] }), /^line 3: draft, .* 3, 1 and 3 entries$/],
      ['too many guesses', params({ draft_length: 2 }), /^line 2: more guesses in a row than .* 2$/],
      ['no limit', params({ max_tokens: undefined }), /^line 1: params\.max_tokens: /],
      ['tokens behind the limit', params({ max_tokens: 2 }), /^line 2: emitted has 3 entries, and .* for 2$/],
      ['half a token', step({ emitted: [10, 11, 1.5] }), /^line 3: emitted\.2: /],
      ['a token id no model has', step({ draft: [2 ** 31, 11, 12] }), /^line 3: draft\.0: /],
      ['a step that emitted nothing', step({ accepted: 0, emitted: [] }), /^line 3: emitted: /],
      ['more accepted than emitted', step({ accepted: 4 }), /^line 3: accepted is 4, and emitted has 3/],
      [
        'more emitted than accepted and one',
        step({ accepted: 1 }),
        /^line 3: accepted is 1, and emitted has 3/,
      ],
      [
        'accepted tokens that nobody guessed',
        step({ emitted: [10, 12, 13] }),
        /^line 3: .* as many guesses$/,
      ],
      ['a parent that comes later', tree([{ ...NODES[0]!, parent: 0 }]), /^line 3: nodes\.0\.parent is 0/],
      ['a parent before the root', tree([{ ...NODES[0]!, parent: -2 }]), /^line 3: nodes\.0\.parent: /],
      ['branches in a trace of mtad', step({ nodes: NODES }), /^line 3: a draft that branches/],
    ])('%s', async (_, content, message) => {
      expect(await refusal(content)).toMatch(message);
    });

    it.each(STRATEGY_NAMES.filter((name) => !/^m?mtad$/.test(name)))('a trace of %s', async (strategy) => {
      expect(await refusal(start({ strategy }))).toBe(
        `line 1: a trace of ${strategy}; only mtad and mmtad can be replayed: their acceptance is not left to chance`,
      );
    });
  });

  it.each(['/nowhere/trace.jsonl', '/'])('refuses what cannot be read: %s', async (file) => {
    const error: unknown = await readTrace(file).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(UsageError);
    expect((error as Error).message).toMatch(/^Cannot read the trace: E(NOENT|ISDIR)/);
  });
});
