import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { jsonLine } from '../../src/cli/render/json.js';
import type { Step } from '../../src/decoding/loop.js';
import { UsageError } from '../../src/errors.js';
import { depthsOf } from '../../src/math/draft-tree.js';
import { createRng } from '../../src/math/rng.js';
import { acceptJoint } from '../../src/rules/joint.js';
import { acceptJointTree } from '../../src/rules/joint-tree.js';
import { readTrace } from '../../src/trace/read-trace.js';
import type { RecordedStep, Trace } from '../../src/trace/recorded.js';
import { type Replay, replay, replayGrid, reproduces } from '../../src/trace/replay.js';
import { traceStart, traceStep } from '../../src/trace/write.js';
import { neverEnds, run } from '../support/fake-run.js';
import { tries } from '../support/tries.js';
import { inFile } from './traced-run.js';

const GAMMA = 5;
const THRESHOLDS = tries([1e-9, 0.3, 1], [1e-9, 0.05, 0.3, 0.5, 0.8, 1]);

/** A long run on fake models: its steps, and its trace. */
async function fakeTrace(strategy: 'mtad' | 'mmtad'): Promise<{ steps: readonly Step[]; trace: Trace }> {
  const rule = { threshold: 0.5, clip: false };
  const { steps } = await run(
    { strategy, draftLength: GAMMA, beamWidth: 3, draftFrom: 'model', ...rule },
    { rng: createRng(7), maxTokens: 1000, capacity: 2000, targetSequences: 3, endsWith: neverEnds },
  );
  const params = { draft_length: GAMMA, threshold: rule.threshold, clip: rule.clip, max_tokens: 10_000 }; // as if without a limit
  const lines = [traceStart(strategy, params, []), ...steps.map((step, i) => traceStep(step, i))];
  return { steps, trace: await inFile(lines.map(jsonLine).join(''), readTrace) };
}

/** How many guesses are accepted, step by step. */
const lengths = (trace: Trace, rule: Parameters<typeof replay>[1]) =>
  trace.steps.map((step) => replay({ ...trace, steps: [step] }, rule).accepted);

let chains: Awaited<ReturnType<typeof fakeTrace>>;
let trees: Awaited<ReturnType<typeof fakeTrace>>;
beforeAll(async () => {
  [chains, trees] = [await fakeTrace('mtad'), await fakeTrace('mmtad')];
});

describe('replay', () => {
  it('of mtad accepts what the rule of mtad does, of as many guesses as are asked for', () => {
    const { steps, trace } = chains;
    expect(steps.length).toBeGreaterThan(200);
    for (let draftLength = 1; draftLength <= GAMMA; draftLength++)
      for (const threshold of THRESHOLDS)
        for (const clip of [false, true])
          expect(lengths(trace, { threshold, draftLength, clip })).toEqual(
            steps.map(({ draft, p }) =>
              acceptJoint(draft.slice(0, draftLength), p, { tau: threshold, clip }),
            ),
          );
  });

  it('of mmtad accepts what the rule of mmtad does, of the nodes that are deep enough', () => {
    const { steps, trace } = trees;
    expect(steps.filter(({ draft, drafted }) => draft.length > drafted).length).toBeGreaterThan(100);
    for (let draftLength = 1; draftLength <= GAMMA; draftLength++)
      for (const threshold of THRESHOLDS)
        expect(lengths(trace, { threshold, draftLength })).toEqual(
          steps.map(({ draft, p }) => {
            const depths = depthsOf(draft);
            expect(depths).toEqual([...depths].sort((a, b) => a - b)); // so that the shallow nodes come first
            const shallow = draft.filter((_, node) => depths[node]! <= draftLength);
            return acceptJointTree(shallow, p.slice(0, shallow.length + 1), { tau: threshold }).length;
          }),
        );
  });

  it('never accepts less in any step with a smaller threshold, nor more with clip', () => {
    for (const { trace } of [chains, trees])
      for (const draftLength of [2, GAMMA])
        for (const [i, threshold] of THRESHOLDS.entries()) {
          const accepted = lengths(trace, { threshold, draftLength });
          const stricter =
            i + 1 < THRESHOLDS.length ? [lengths(trace, { threshold: THRESHOLDS[i + 1]!, draftLength })] : [];
          if (trace.strategy === 'mtad')
            stricter.push(lengths(trace, { threshold, draftLength, clip: true }));
          for (const other of stricter)
            for (const [step, length] of other.entries()) expect(length).toBeLessThanOrEqual(accepted[step]!);
        }
  });

  it('sums up what it decided', () => {
    for (const { trace } of [chains, trees])
      for (const draftLength of [2, GAMMA]) {
        const row = replay(trace, { threshold: 0.9, draftLength });
        const accepted = lengths(trace, { threshold: 0.9, draftLength });
        const total = (counts: readonly number[]) => counts.reduce((a, b) => a + b, 0);
        expect(row).toMatchObject({ threshold: 0.9, draftLength, clip: false, steps: trace.steps.length });
        expect(row.accepted).toBe(total(accepted));
        expect(total(row.acceptedByPosition)).toBe(row.accepted);
        expect(total(row.draftedByPosition)).toBe(row.drafted);
        expect(row.draftedByPosition).toHaveLength(draftLength);
        expect(row.tokensPerPass).toBeCloseTo(1 + row.accepted / row.steps, 12);
        expect(row.changedSteps).toBe(trace.steps.filter((step, i) => step.accepted !== accepted[i]).length);
        expect(row.changedSteps).toBeGreaterThan(20);
      }
  });

  it('refuses settings that the trace cannot answer for', () => {
    const refusal = (trace: Trace, rule: Parameters<typeof replay>[1]) => {
      expect(() => replay(trace, rule)).toThrow(UsageError);
      return expect(() => replay(trace, rule));
    };
    for (const threshold of [0, -0.5, 1.01, Number.NaN])
      refusal(chains.trace, { threshold }).toThrow(`1, not ${threshold}`);
    for (const draftLength of [0, 1.5, GAMMA + 1])
      refusal(chains.trace, { draftLength }).toThrow(
        `from 1 to ${GAMMA}, the draft length of the trace, not ${draftLength}`,
      );
    refusal(trees.trace, { clip: true }).toThrow('the trace is of mmtad');
    expect(() => replayGrid(trees.trace, { clips: [false, true] })).toThrow(UsageError);
  });
});

describe('replay of a block that was cut', () => {
  const node = (token: number, parent: number, p: number, q: number) => ({
    token,
    parent,
    logP: Math.log(p),
    logQ: Math.log(q),
  });
  const traceOf = (
    strategy: Trace['strategy'],
    step: Pick<RecordedStep, 'nodes' | 'accepted' | 'emitted'>,
    room = Infinity,
  ) => ({
    file: 'trace.jsonl',
    strategy,
    rule: { threshold: 0.5, draftLength: 4, clip: false },
    steps: [{ index: 0, line: 2, room, ...step }],
    cutOff: null,
  });

  it('ends where the text did, if it gets there', () => {
    const nodes = [
      node(10, -1, 0.9, 0.9),
      node(11, 0, 0.6, 0.9),
      node(12, 1, 0.9, 0.9),
      node(13, 2, 0.9, 0.9),
    ];
    const trace = traceOf('mtad', { nodes, accepted: 2, emitted: [10, 11] });
    expect(reproduces(trace)).toMatchObject({ steps: 1, asRecorded: 1 });
    expect(replay(trace)).toMatchObject({ drafted: 4, accepted: 2, tokensPerPass: 2, changedSteps: 0 });
    expect(replay(trace, { threshold: 0.01 })).toMatchObject({
      accepted: 2,
      tokensPerPass: 2,
      changedSteps: 0,
    });
    expect(replay(trace, { threshold: 0.9 })).toMatchObject({
      accepted: 1,
      tokensPerPass: 2,
      changedSteps: 1,
    });
    expect(replay(trace, { draftLength: 1 })).toMatchObject({ drafted: 1, accepted: 1, tokensPerPass: 2 });
  });

  it('counts no guess that the token limit left no room for', () => {
    const nodes = [0, 1, 2, 3].map((i) => node(10 + i, i - 1, i < 1 ? 0.9 : 0.1, 0.9));
    const refused = traceOf('mtad', { nodes, accepted: 1, emitted: [10, 5] }, 2);
    expect(replay(refused)).toMatchObject({ drafted: 2, accepted: 1, tokensPerPass: 2, changedSteps: 0 });
    expect(replay(refused, { threshold: 0.001 })).toMatchObject({
      drafted: 2,
      accepted: 2,
      tokensPerPass: 2,
    });
    const reached = traceOf('mtad', { nodes, accepted: 1, emitted: [10] }, 1);
    expect(replay(reached, { threshold: 0.001 })).toMatchObject({
      drafted: 1,
      accepted: 1,
      tokensPerPass: 1,
    });
    expect(replay(refused, { draftLength: 1 })).toMatchObject({ drafted: 1, accepted: 1, tokensPerPass: 2 });
  });

  it('goes on along another branch', () => {
    const nodes = [
      node(10, -1, 0.5, 0.5),
      node(20, -1, 0.3, 0.3),
      node(11, 0, 0.9, 0.9), // ended the text
      node(21, 1, 0.9, 0.5),
      node(12, 2, 0.1, 0.9), // 10 11 12 is the likeliest beam, 0.405: ratio 0.11
      node(22, 3, 0.6, 0.9), // ratio 0.4
    ];
    const trace = traceOf('mmtad', { nodes, accepted: 2, emitted: [10, 11] });
    expect(reproduces(trace)).toMatchObject({ steps: 1, asRecorded: 1 });
    expect(replay(trace)).toMatchObject({ accepted: 2, tokensPerPass: 2, changedSteps: 0 });
    expect(replay(trace, { threshold: 0.3 })).toMatchObject({
      accepted: 3,
      tokensPerPass: 4,
      changedSteps: 1,
    });
    expect(replay(trace, { threshold: 0.3, draftLength: 2 })).toMatchObject({
      accepted: 2,
      tokensPerPass: 2,
    });
    const alone = traceOf('mmtad', { ...trace.steps[0]!, nodes: nodes.slice(0, 5) });
    expect(replay(alone, { threshold: 0.1 })).toMatchObject({
      accepted: 2,
      tokensPerPass: 2,
      changedSteps: 0,
    });
  });
});

describe('replayGrid', () => {
  const settingsOf = (rows: readonly Replay[]) =>
    rows.map(({ threshold, draftLength, clip }) => [threshold, draftLength, clip]);

  it("has by default eight thresholds and the trace's own, its own draftLength, and for mtad clip off and on", () => {
    const thresholds = [0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 1];
    const rows = (clip: boolean, list = thresholds) => list.map((threshold) => [threshold, GAMMA, clip]);
    expect(settingsOf(replayGrid(chains.trace))).toEqual([...rows(false), ...rows(true)]);
    expect(settingsOf(replayGrid(trees.trace))).toEqual(rows(false));
    const { trace } = trees;
    const own = { ...trace, rule: { ...trace.rule, threshold: 0.42 } };
    expect(settingsOf(replayGrid(own))).toEqual(rows(false, [0.05, 0.1, 0.2, 0.3, 0.42, 0.5, 0.7, 0.9, 1]));
  });

  it('has a row for each combination that is asked for, as replay gives it', () => {
    const rows = replayGrid(chains.trace, { thresholds: [0.9, 0.2], draftLengths: [1, 3], clips: [true] });
    expect(settingsOf(rows)).toEqual([
      [0.9, 1, true],
      [0.2, 1, true],
      [0.9, 3, true],
      [0.2, 3, true],
    ]);
    for (const row of rows) expect(row).toEqual(replay(chains.trace, row));
  });
});

describe('reproduces', () => {
  it('finds all steps of a run as recorded, and names the others', () => {
    const { trace } = chains;
    const all = trace.steps.length;
    expect(reproduces(trace)).toEqual({ steps: all, asRecorded: all, differences: [] });
    const steps = trace.steps.with(30, { ...trace.steps[30]!, accepted: 0, emitted: [3] });
    const recorded = trace.steps[30]!.accepted;
    expect(recorded).toBeGreaterThan(0);
    expect(reproduces({ ...trace, steps })).toEqual({
      steps: all,
      asRecorded: all - 1,
      differences: [{ index: 30, line: 32, recorded: 0, replayed: recorded }],
    });
  });
});

describe('the files that replay consists of', () => {
  it('load no library that runs models', () => {
    const seen = new Set<string>();
    const packages = new Set<string>();
    const visit = (file: URL) => {
      if (seen.has(file.pathname)) return;
      seen.add(file.pathname);
      for (const [, name] of readFileSync(file, 'utf8')
        .replaceAll(/^import type [^;]*;/gm, '') // which are gone when it runs
        .matchAll(/(?:from|import\() ?'(.+?)'/g))
        if (name!.startsWith('.')) visit(new URL(name!.replace(/\.js$/, '.ts'), file));
        else packages.add(name!);
    };
    for (const name of ['read-trace', 'replay'])
      visit(new URL(`../../src/trace/${name}.ts`, import.meta.url));
    expect([...packages].sort()).toEqual(['node:fs', 'node:util', 'zod']);
    expect(seen.size).toBeGreaterThan(6);
  });
});
