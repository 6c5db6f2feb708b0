import { describe, expect, it } from 'vitest';
import { json, parseReport } from '../../../src/benchmark/out/json.js';
import { jsonLastLine, jsonLine } from '../../../src/benchmark/out/jsonl.js';
import type { BenchmarkReport } from '../../../src/benchmark/report.js';
import { summarise } from '../../../src/benchmark/summary.js';
import { UsageError } from '../../../src/errors.js';
import {
  about,
  contenderOf,
  fakeGeneration,
  fakeSummary,
  reportOf,
  UNTOLD,
} from '../../support/fake-generation.js';

const MTAD = fakeGeneration({
  contender: 'mtad k=4 w=4 tau=0.5',
  passes: {
    target: [
      [5, 3],
      [1, 2],
    ],
    draft: [[1, 12]],
  },
  speculation: {
    steps: 5,
    targetPasses: 5,
    draftPasses: 12,
    drafted: 12,
    accepted: 7,
    draftedByPosition: [5, 4, 3],
    acceptedByPosition: [4, 2, 1],
  },
  joules: 1.5,
});
const GENERATIONS = [
  fakeGeneration(),
  MTAD,
  fakeGeneration({ ...UNTOLD, contender: 'evaluate()', engine: 'peer' }),
];

/** With as much in it as there can be. */
const REPORT: BenchmarkReport = reportOf(
  summarise(
    GENERATIONS.map(({ contender, engine }) => contenderOf(contender, { engine })),
    GENERATIONS,
    [],
    2,
  ),
  {
    generations: GENERATIONS,
    conditions: {
      ...reportOf([]).conditions,
      prompts: 'my fileName_2.jsonl',
      skipped: [{ id: 'promptNine', reason: '2000 tokens, and the context holds 1024' }],
    },
    energy: { source: 'RAPL package-0', reason: null, idleWatts: 11.5 },
  },
);

/** Every name of every object in it, with the path to it. */
function keysOf(value: unknown, path = ''): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => {
    const here = Array.isArray(value) ? `${path}[]` : `${path}.${key}`;
    return [...(Array.isArray(value) ? [] : [here]), ...keysOf(inner, here)];
  });
}

/** Names one by one in snake_case; what they name stays. */
function snaked(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(snaked);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`),
      snaked(inner),
    ]),
  );
}

describe('a report as JSON', () => {
  it('is the report, with its names in snake_case and nothing lost', () => {
    const written = JSON.parse(json(REPORT));
    expect(written).toStrictEqual(snaked(REPORT));
    expect(written.generations[1].passes.target).toEqual([
      [5, 3],
      [1, 2],
    ]);
    for (const key of keysOf(written)) expect(key).toMatch(/^[a-z_.[\]]+$/);
    expect(keysOf(written)).toHaveLength(keysOf(REPORT).length);
  });

  it('ends with a line end', () => {
    expect(json(REPORT)).toMatch(/\}\n$/);
  });

  it('is the same in lines: the generations as they come, and then the rest', () => {
    const lines = [...GENERATIONS.map(jsonLine), jsonLastLine(REPORT)];
    for (const line of lines) expect(line.indexOf('\n')).toBe(line.length - 1);
    const [last, ...generations] = lines.map((line) => JSON.parse(line)).toReversed();
    const whole = JSON.parse(json(REPORT));
    expect(generations.toReversed()).toEqual(
      whole.generations.map((one: object) => ({ type: 'generation', ...one })),
    );
    const { generations: _, ...rest } = whole;
    expect(last).toEqual({ type: 'report', ...rest });
  });
});

describe('a report that is read again', () => {
  it('has in it what a comparison needs', () => {
    const { perplexity, speedUp } = fakeSummary({
      perplexity: about(4),
      speedUp: { autoregressive: about(2), speculative: null, predictor: null },
    });
    const report = { ...REPORT, contenders: [{ ...REPORT.contenders[0]!, perplexity, speedUp }] };
    const read = parseReport(json(report), 'old.json');
    expect(report).toMatchObject(read);
    expect(read.contenders[0]).toMatchObject({ perplexity: about(4), speedUp: { autoregressive: about(2) } });
  });

  it('may be incomplete, without a draft model, without figures, or with more in it than is known today', () => {
    const report = {
      ...REPORT,
      complete: false,
      models: { ...REPORT.models, draft: null },
      contenders: summarise([contenderOf('mtad')], [], [], null),
      andMore: [[{ deepInside: 1 }]],
    };
    expect(report).toMatchObject(parseReport(json(report), 'old.json'));
  });

  it.each([
    { what: 'no JSON', text: 'setting,engine\n', message: /^old\.json is not JSON; / },
    { what: 'nothing', text: '', message: /^old\.json is not JSON; / },
    { what: 'JSON Lines', text: jsonLine(MTAD) + jsonLastLine(REPORT), message: /^old\.json is not JSON; / },
    { what: 'null', text: 'null', message: /^old\.json is no report of mtad benchmark --format json$/ },
    { what: 'a list', text: '[1, 2]', message: /^old\.json is no report of mtad benchmark --format json$/ },
    { what: 'a text', text: '"schema"', message: /^old\.json is no report/ },
    { what: 'something else', text: '{"name": "mtad"}', message: /no report.*: schema is missing or wrong$/ },
    {
      what: 'a report of another time',
      text: json({ ...REPORT, schema: 3 } as unknown as BenchmarkReport),
      message: /no report.*: schema is missing or wrong$/,
    },
    {
      what: 'a report with a hole in it',
      text: json(REPORT).replace(
        /"tokens_per_second": \{\s+"value": [\d.]+/,
        '"tokens_per_second": { "value": null',
      ),
      message: /: contenders\.0\.tokens_per_second is missing or wrong$/, // as the file has it
    },
  ])('is refused where it is $what', ({ text, message }) => {
    expect(() => parseReport(text, 'old.json')).toThrow(UsageError);
    expect(() => parseReport(text, 'old.json')).toThrow(message);
  });
});
