import { beforeAll, describe, expect, it } from 'vitest';
import type { SettingsInput } from '../../src/generation/settings.js';
import type { Pair } from '../../src/models/pair.js';
import type { RecordedStep, Trace } from '../../src/trace/recorded.js';
import { replay } from '../../src/trace/replay.js';
import { embeddedPair } from '../support/embedded-pair.js';
import { tries } from '../support/tries.js';
import { PROMPTS, traced } from './traced-run.js';

let pair: Pair;
beforeAll(async () => {
  pair = await embeddedPair();
});

/** How many guesses the rule of `other` accepts in a single step of `trace`. */
const replayed = (trace: Trace, step: RecordedStep, { rule }: Trace) =>
  replay({ ...trace, steps: [step] }, rule).accepted;

interface Compared {
  readonly steps: number;
  readonly differing: number; // steps that the two runs decided differently
}

/**
 * Two real runs have the same history up to the first step that they decide differently, and this step has the same
 * draft still. So far replay must tell of each what the other one did.
 */
function compare(one: Trace, other: Trace): Compared {
  const sameGamma = one.rule.draftLength === other.rule.draftLength;
  const expectSameDraft = sameGamma ? expectEqualDraft : expectBeginningOfDraft;
  for (const [i, step] of one.steps.entries()) {
    const otherStep = other.steps[i]!;
    expectSameDraft(step, otherStep);
    if (sameGamma) expect(replayed(other, otherStep, one)).toBe(step.accepted);
    else if (isBorderline(one, step, other)) return { steps: i, differing: 0 };
    expect(replayed(one, step, other)).toBe(otherStep.accepted);
    if (step.accepted !== otherStep.accepted) return { steps: i + 1, differing: 1 };
    if (step.emitted.at(-1) !== otherStep.emitted.at(-1)) return { steps: i + 1, differing: 0 };
  }
  return { steps: one.steps.length, differing: 0 };
}

/** Whether rounding may decide the step. */
function isBorderline(trace: Trace, step: RecordedStep, { rule }: Trace): boolean {
  const at = (threshold: number) => replay({ ...trace, steps: [step] }, { ...rule, threshold }).accepted;
  const threshold = rule.threshold as number;
  return at(0.95 * threshold) !== at(threshold / 0.95);
}

/** To the last bit. */
function expectEqualDraft(step: RecordedStep, other: RecordedStep): void {
  expect(other.nodes).toEqual(step.nodes);
}

/** Batches of other sizes round differently. */
function expectBeginningOfDraft(step: RecordedStep, other: RecordedStep): void {
  for (const [i, { token, parent, logQ, logP }] of other.nodes.entries()) {
    expect(step.nodes[i]).toMatchObject({ token, parent });
    expect(Math.exp(step.nodes[i]!.logQ)).toBeCloseTo(Math.exp(logQ), 2);
    expect(Math.exp(step.nodes[i]!.logP)).toBeCloseTo(Math.exp(logP), 2);
  }
}

/** 24 tokens for every eighth prompt, each with a seed of its own. */
async function compareAll(settings: SettingsInput, changed: SettingsInput): Promise<Compared> {
  const all: Compared[] = [];
  for (const [seed, prompt] of PROMPTS.entries()) {
    if (seed % tries(8, 2)) continue;
    const run = { ...settings, seed, maxTokens: 24, ignoreEos: true };
    const one = await traced(pair, run, prompt);
    const other = await traced(pair, { ...run, ...changed }, prompt);
    all.push(compare(one.trace, other.trace));
  }
  return {
    steps: all.reduce((sum, { steps }) => sum + steps, 0),
    differing: all.reduce((sum, { differing }) => sum + differing, 0),
  };
}

describe('replay tells what a real run with other settings decided of the same draft', () => {
  const DAILY: [SettingsInput, SettingsInput][] = [
    [{ threshold: 0.05 }, { threshold: 1 }],
    [{ threshold: 1 }, { threshold: 0.3, clip: true }],
    [{ strategy: 'mmtad', threshold: 0.3, temperature: 0 }, { threshold: 1 }],
  ];
  const OTHERS: [SettingsInput, SettingsInput][] = [
    [{ threshold: 0.5 }, { threshold: 0.9 }],
    [{ threshold: 0.7 }, { clip: true }],
    [{ threshold: 0.5, temperature: 0 }, { threshold: 0.95 }],
    [{ strategy: 'mmtad', threshold: 0.5 }, { threshold: 0.9 }],
    [{ strategy: 'mmtad', threshold: 0.05 }, { threshold: 1 }],
  ];
  it.each(tries(DAILY, [...DAILY, ...OTHERS]))('%o, changed to %o', async (settings, changed) => {
    const { steps, differing } = await compareAll(settings, changed);
    expect(steps).toBeGreaterThan(tries(10, 40));
    expect(differing).toBeGreaterThan(tries(2, 10));
  });

  it.each<[SettingsInput, SettingsInput]>([
    [{ draftLength: 8, temperature: 0, beamWidth: 1 }, { draftLength: 3 }],
    [
      { draftLength: 8, threshold: 0.2, draftFrom: 'lookup' },
      { draftLength: 2, threshold: 0.05 },
    ],
  ])(
    '%o, changed to %o: no beams compete, so that fewer guesses are the first ones',
    async (settings, changed) => {
      const { steps, differing } = await compareAll(settings, changed);
      expect(steps).toBeGreaterThan(tries(10, 40));
      expect(differing).toBeGreaterThan(tries(2, 10));
    },
  );
});
