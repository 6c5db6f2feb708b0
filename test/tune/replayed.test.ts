import { describe, expect, it } from 'vitest';
import { createRng } from '../../src/math/rng.js';
import type { Candidate } from '../../src/tune/candidate.js';
import { judgedChain } from '../../src/tune/recording.js';
import { replayed } from '../../src/tune/replayed.js';
import type { CostCurves } from '../../src/tuning/cost-curves.js';
import { prior } from '../../src/tuning/learned.js';
import { UNCUT } from '../support/fake-model.js';
import { neverEnds, run } from '../support/fake-run.js';

const SETTINGS = { capacity: 1600, maxTokens: 1200, endsWith: neverEnds, sampling: UNCUT };
const COSTS: CostCurves = {
  target: [
    { rows: 1, ms: 10 },
    { rows: 17, ms: 26 },
  ],
  draft: [
    { rows: 1, ms: 1 },
    { rows: 4, ms: 2 },
  ],
};
const DEAR: CostCurves = { ...COSTS, draft: [{ rows: 1, ms: 40 }] };

const recordings = new Map<string, Promise<Awaited<ReturnType<typeof recordRun>>>>();
async function recordRun(candidate: Candidate, draftLength: number) {
  const settings = {
    clip: false,
    draftFrom: 'model',
    beamWidth: 1,
    threshold: 1,
    ...candidate,
    draftLength,
  } as const;
  const { whole } = await run(settings as never, { ...SETTINGS, rng: createRng(3) });
  return whole.map((step) => judgedChain(step, 1));
}

function recording(candidate: Candidate, draftLength = 12) {
  const name = JSON.stringify([candidate, draftLength]);
  const known = recordings.get(name) ?? recordRun(candidate, draftLength);
  recordings.set(name, known);
  return known;
}

async function replay(recorded: Candidate, candidate: Candidate, curves = COSTS) {
  const chains = await recording(recorded);
  return replayed(chains, candidate, { curves, isTold: true, learned: prior(0.3), rng: createRng(1) });
}

const MTAD: Candidate = { strategy: 'mtad', beamWidth: 4, threshold: 0.3, draftLength: 12 };
const EXACT: Candidate = { strategy: 'speculative', draftLength: 12 };

describe('a replay of recorded chains', () => {
  it('decides under the recorded settings as was recorded, and reckons time by the curves', async () => {
    const chains = await recording(MTAD);
    const { tokens, accepted, passes, ms } = await replay(MTAD, MTAD);
    expect(accepted).toBe(chains.reduce((sum, chain) => sum + chain.accepted, 0));
    expect({ tokens, passes }).toEqual({ tokens: accepted + chains.length, passes: chains.length });
    const expected = chains.map(({ draft: { length } }, i) => {
      const before = chains[i - 1];
      const first = before?.accepted === before?.draft.length && before ? 4 / 3 : 1; // one more to read
      return 10 + length + first + (length - 1) * 2;
    });
    expect(ms).toBeCloseTo(
      expected.reduce((sum, one) => sum + one, 0),
      6,
    );
  });

  it('accepts more under a lower threshold, which is less likely', async () => {
    const [strict, loose] = [
      await replay(MTAD, { ...MTAD, threshold: 0.9 }),
      await replay(MTAD, { ...MTAD, threshold: 0.05 }),
    ];
    expect(loose.accepted).toBeGreaterThan(strict.accepted);
    expect(loose.surplus / loose.accepted).toBeLessThan(strict.surplus / strict.accepted);
  });

  it.each([
    ['the joint rule', MTAD],
    ['coins', EXACT],
  ])('foretells by %s what a run of shorter drafts accepts', async (_, recorded) => {
    const shorter = { ...recorded, draftLength: 4 };
    const told = await replay(recorded, shorter);
    const real = await recording(recorded, 4);
    const perPass = real.reduce((sum, { accepted }) => sum + accepted, 0) / real.length + 1;
    expect(Math.abs(told.tokens / told.passes / perPass - 1)).toBeLessThan(0.1);
  });

  it.each([4, 12])(
    'foretells from chains of speculative what block accepts of drafts of %i',
    async (draftLength) => {
      const block: Candidate = { strategy: 'block', draftLength };
      const told = await replay(EXACT, block);
      const real = await recording(block, draftLength);
      const perPass = real.reduce((sum, { accepted }) => sum + accepted, 0) / real.length + 1;
      expect(Math.abs(told.tokens / told.passes / perPass - 1)).toBeLessThan(0.1);
      const tokenwise = await replay(EXACT, { ...EXACT, draftLength });
      expect(told.tokens).toBeGreaterThan(tokenwise.tokens);
    },
  );

  it('adapts: it drafts nearly nothing where that is dear, and loses little', async () => {
    const adaptive = { ...MTAD, draftLength: 'auto' } as const;
    const dear = await replay(MTAD, adaptive, DEAR);
    expect((dear.tokens * 10) / dear.ms).toBeGreaterThan(0.96);
    const cheap = await replay(MTAD, adaptive, { ...COSTS, draft: [{ rows: 1, ms: 0.1 }] });
    expect((cheap.tokens * 10) / cheap.ms).toBeGreaterThan(1.2);
    expect(cheap.learned.survival).not.toEqual(prior(0.3).survival);
  });
});
