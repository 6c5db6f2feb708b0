import { describe, expect, it } from 'vitest';
import type { Step } from '../../src/decoding/loop.js';
import { readJudgedRun } from '../../src/explain/judged-run.js';
import { logProbOf } from '../../src/math/distribution.js';
import { pathTo } from '../../src/math/draft-tree.js';
import { createRng } from '../../src/math/rng.js';
import { acceptJoint } from '../../src/rules/joint.js';
import { readTrace } from '../../src/trace/read-trace.js';
import { reproduces } from '../../src/trace/replay.js';
import { traceStart, traceStep } from '../../src/trace/write.js';
import { corpusOf } from '../support/corpus-of.js';
import { fakeChain, fakeDistribution } from '../support/fake-distribution.js';
import { neverEnds, PROMPT, run } from '../support/fake-run.js';
import { inFile } from './traced-run.js';

interface Line {
  readonly draft: number[];
  readonly log_q: (number | null)[];
  readonly log_p: (number | null)[];
  readonly raw_log_p: (number | null)[] | null;
}

/** As it is written to a file and read again. */
const line = (step: Step, index = 0) => JSON.parse(JSON.stringify(traceStep(step, index))) as Line;

const [certain, even] = [fakeDistribution(1), fakeDistribution(1, 1)];
const STEP: Step = {
  position: 5,
  draft: fakeChain([0, even], [1, even]),
  p: [fakeDistribution(1, 3), certain, even], // certain: the target cannot say 1
  drafted: 2,
  accepted: 1,
  path: [0],
  next: 0,
  emitted: [0, 0],
  rawLogProbs: undefined,
  targetPasses: 1,
  draftPasses: 2,
  ms: { draft: 3, verify: 2, wait: 4, own: 1 },
};

describe('traceStep', () => {
  it('holds what happened in a step', () => {
    expect(line(STEP, 4)).toEqual({
      type: 'step',
      index: 4,
      position: 5,
      draft: [0, 1],
      log_q: [expect.closeTo(Math.log(0.5), 12), expect.closeTo(Math.log(0.5), 12)],
      log_p: [expect.closeTo(Math.log(0.25), 12), null],
      accepted: 1,
      next: 0,
      emitted: [0, 0],
      raw_log_p: null,
      draft_passes: 2,
      ms: { draft: 3, verify: 2, wait: 4, own: 1 },
    });
  });

  it('has the text of tokens beside their ids, where it is told how', () => {
    const step = traceStep(STEP, 0, (token) => `<${token}>`) as Record<string, unknown>;
    expect(step).toMatchObject({ draft_text: ['<0>', '<1>'], emitted_text: ['<0>', '<0>'] });
    expect(Object.keys(step)).toEqual(expect.arrayContaining(Object.keys(line(STEP))));
  });

  it('has the threshold that decided and the beams that drafted, where they move', () => {
    expect(line(STEP)).not.toHaveProperty('threshold');
    expect(line(STEP)).not.toHaveProperty('beam_width');
    const moved = traceStep(STEP, 0, undefined, { threshold: 0.25, beamWidth: 2 });
    expect(moved).toMatchObject({ threshold: 0.25, beam_width: 2 });
  });

  it('has null for the log of a probability of 0, since JSON has no -Infinity', () => {
    expect(logProbOf(STEP.p[1]!, 1)).toBe(-Infinity);
    expect((traceStep(STEP, 0) as Line).log_p[1]).toBeNull();
  });

  it('holds raw log-probabilities where they were read', () => {
    expect(line({ ...STEP, rawLogProbs: [-1, -2] }).raw_log_p).toEqual([-1, -2]);
  });

  it('holds of a draft that branches the likeliest path, and all nodes', () => {
    const tree = [
      { token: 0, parent: -1, q: even },
      { token: 1, parent: -1, q: even },
      { token: 1, parent: 0, q: even },
    ];
    const step = { ...STEP, draft: tree, p: [fakeDistribution(1, 3), certain, even, even] };
    const [half, quarter, rest] = [1 / 2, 1 / 4, 3 / 4].map((x) => expect.closeTo(Math.log(x), 12));
    expect(line(step)).toMatchObject({
      draft: [1], // of two tokens the other one is half as likely
      log_q: [half],
      log_p: [rest],
      nodes: [
        { token: 0, parent: -1, log_q: half, log_p: quarter },
        { token: 1, parent: -1, log_q: half, log_p: rest },
        { token: 1, parent: 0, log_q: half, log_p: null },
      ],
    });
    expect(line(STEP)).not.toHaveProperty('nodes');
  });

  it('has null for a next token that there is not', () => {
    expect(traceStep({ ...STEP, next: undefined }, 0)).toHaveProperty('next', null);
  });

  it('tells of a tree which guesses are of a tail, so that those who read it compare with the same beam', async () => {
    const rule = { draftLength: 4, beamWidth: 3, threshold: 0.3 };
    const again = [...PROMPT, ...PROMPT];
    const notes = await run(
      { strategy: 'autoregressive' },
      { maxTokens: 240, capacity: 300, endsWith: neverEnds },
    );
    const { steps } = await run(
      { strategy: 'mmtad', draftFrom: 'model', draftTail: 'corpus', ...rule },
      { corpus: corpusOf(notes.prefix), prompt: again, maxTokens: 100, capacity: 200, endsWith: neverEnds },
    );
    const params = {
      threshold: rule.threshold,
      draft_length: rule.draftLength,
      clip: false,
      max_tokens: 100,
    };
    const lines = [traceStart('mmtad', params, again), ...steps.map((step, i) => traceStep(step, i))];
    await inFile(lines.map((line) => `${JSON.stringify(line)}\n`).join(''), async (file) => {
      expect(reproduces(await readTrace(file)).asRecorded).toBe(steps.length);
      const likeliest = (await readJudgedRun(file)).steps.map(({ guesses }) =>
        guesses.filter(({ isLikeliest }) => isLikeliest),
      );
      const withTail = [...steps.entries()].filter(([, { draft }]) => draft.at(-1)?.isTail);
      expect(withTail.length).toBeGreaterThan(5);
      expect(
        (await readJudgedRun(file)).steps.map(({ guesses }) => guesses.map(({ from }) => from).sort()),
      ).toEqual(steps.map(({ draft }) => draft.map(({ from }) => from).sort()));
      for (const [i, { draft }] of withTail)
        expect(likeliest[i]).toHaveLength(pathTo(draft, draft.length - 1).length);
    });
  });

  it('suffices to decide anew what any threshold would have accepted', async () => {
    const options = {
      strategy: 'mtad',
      draftLength: 4,
      beamWidth: 2,
      threshold: 0.5,
      clip: false,
      draftFrom: 'model',
    } as const;
    const { steps } = await run(options, { rng: createRng(1), maxTokens: 40, endsWith: neverEnds });
    for (const step of steps) {
      const { log_p, log_q } = line(step);
      for (const threshold of [0.1, 0.5, 0.9]) {
        let [ratio, accepted] = [0, 0];
        for (const [i, logP] of log_p.entries()) {
          ratio += (logP ?? -Infinity) - log_q[i]!;
          if (ratio >= Math.log(threshold)) accepted = i + 1;
        }
        expect(accepted).toBe(acceptJoint(step.draft, step.p, { tau: threshold, clip: false }));
      }
    }
  });
});

describe('traceStart', () => {
  it('names the strategy, its parameters and the prompt', () => {
    const params = { draft_length: 4, threshold: 0.5, clip: false, max_tokens: 8, beam_width: 4 };
    expect(traceStart('mtad', params, [1, 2])).toEqual({
      type: 'start',
      schema: 1,
      strategy: 'mtad',
      params,
      prompt_tokens: [1, 2],
    });
  });
});
