import { beforeAll, describe, expect, it } from 'vitest';
import { ratios } from '../../src/generation/counters.js';
import type { Pair } from '../../src/models/pair.js';
import { acceptJoint } from '../../src/rules/joint.js';
import { traceStep } from '../../src/trace/write.js';
import type { Distribution, TokenId } from '../../src/types.js';
import { chain, decode, withContext } from '../engine/rows.js';
import { embeddedPair } from '../support/embedded-pair.js';
import { KINDS } from '../support/representatives.js';
import { run } from './generate-run.js';

let pair: Pair;
beforeAll(async () => {
  pair = await embeddedPair();
});

/** Log-probability of each token of the text, evaluated one at a time in a context of its own. */
function evaluateAgain(prompt: readonly TokenId[], text: readonly TokenId[]): Promise<number[]> {
  const tokens = [...prompt, ...text];
  return withContext(pair.target, { capacity: tokens.length, sequences: 1 }, async (context) => {
    const logProbs: number[] = [];
    for (const [position, token] of tokens.slice(0, -1).entries()) {
      const [row] = await decode(context, chain([token], position), { top: 0, logSumExp: true });
      if (position < prompt.length - 1) continue;
      logProbs.push(row!.logits[row!.tokens.indexOf(tokens[position + 1]!)]! - row!.logSumExp!);
    }
    return logProbs;
  });
}

describe.each(KINDS)('the likelihood of a text by %s', (strategy) => {
  it.each([0, 1])(
    'at temperature %d is the one that the target gives to the finished text',
    async (temperature) => {
      const settings = { strategy, temperature, seed: 31, maxTokens: 60, perplexity: true };
      const { tokens, promptTokens, steps, counters } = await run(pair, settings);
      const expected = await evaluateAgain(promptTokens, tokens);
      const recorded = steps.flatMap(({ rawLogProbs }) => [...rawLogProbs!]);
      expect(recorded).toHaveLength(expected.length);
      recorded.forEach((logProb, i) => {
        expect(Math.abs(logProb - expected[i]!)).toBeLessThan(0.02); // batches of other sizes round differently
      });
      const mean = expected.reduce((a, b) => a + b, 0) / expected.length;
      expect(ratios(counters).perplexity! / Math.exp(-mean)).toBeCloseTo(1, 2);
    },
  );

  it('is not known where nobody asked for it', async () => {
    const { steps, counters } = await run(pair, { strategy, seed: 31, maxTokens: 10 });
    expect(steps.every(({ rawLogProbs }) => rawLogProbs === undefined)).toBe(true);
    expect(ratios(counters).perplexity).toBeNull();
  });
});

/** What a trace records of a step. */
interface TraceStep {
  readonly draft: readonly TokenId[];
  readonly log_q: readonly (number | null)[];
  readonly log_p: readonly (number | null)[];
  readonly accepted: number;
  readonly next: TokenId;
  readonly emitted: readonly TokenId[];
}

const only = (token: TokenId, logProb: number | null): Distribution => ({
  tokens: Int32Array.of(token),
  logProbs: Float64Array.of(logProb ?? -Infinity), // JSON has no -Infinity
});

/** How many tokens of a recorded draft a threshold accepts. */
function replay({ draft, log_q, log_p }: TraceStep, threshold: number, clip: boolean): number {
  const nodes = draft.map((token, i) => ({ token, parent: i - 1, q: only(token, log_q[i]!) }));
  const p = draft.map((token, i) => only(token, log_p[i]!));
  return acceptJoint(nodes, p, { tau: threshold, clip });
}

describe('the trace of a text by mtad', () => {
  it.each([
    { threshold: 0.5, clip: false, temperature: 1 },
    { threshold: 0.1, clip: true, temperature: 1 },
    { threshold: 0.9, clip: false, temperature: 0 },
  ])(
    'tells what $threshold, clip $clip, at temperature $temperature accepted, and what others would',
    async (rule) => {
      const { steps, promptTokens, tokens } = await run(pair, {
        strategy: 'mtad',
        seed: 32,
        maxTokens: 80,
        ignoreEos: true, // so that no step is cut but by the limit
        ...rule,
      });
      const trace = steps.map((step, i) => JSON.parse(JSON.stringify(traceStep(step, i))) as TraceStep);
      const written = [...promptTokens];
      const lengths = new Set<number>();
      for (const [i, step] of trace.entries()) {
        expect(step).toMatchObject({ index: i, position: written.length });
        const block = [...step.draft.slice(0, replay(step, rule.threshold, rule.clip)), step.next];
        expect(step.emitted).toEqual(block.slice(0, 80 - (written.length - promptTokens.length)));
        expect(step.accepted).toBe(Math.min(block.length - 1, step.emitted.length));
        expect(Math.min(replay(step, 1, rule.clip), step.emitted.length)).toBeLessThanOrEqual(step.accepted);
        expect(replay(step, 1e-9, rule.clip)).toBeGreaterThanOrEqual(step.accepted);
        written.push(...step.emitted);
        lengths.add(step.accepted);
      }
      expect(written.slice(promptTokens.length)).toEqual(tokens);
      expect(lengths.size).toBeGreaterThan(2); // none, all, and something between
    },
  );
});
