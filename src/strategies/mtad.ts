import type { Strategy } from '../decoding/strategy.js';
import { beamDrafter } from '../drafting/beams.js';
import { argmax } from '../sampling/distribution.js';
import { sample } from '../sampling/sample.js';
import { likelihoodTruncation } from '../sampling/settings.js';
import { acceptJoint } from '../verification/joint.js';
import { draftModel, type StrategyContext } from './context.js';

export interface MtadOptions {
  readonly strategy: 'mtad';
  readonly gamma: number; // tokens guessed per step, >= 1
  readonly beamWidth: number; // beams kept per depth, >= 1
  readonly tau: number; // acceptance threshold, (0, 1]
  readonly clip: boolean; // cap the likelihood ratio at 1 after every token
}

/**
 * Multi-token assisted decoding (Qin et al. 2025, algorithm 2): a beam-sampled chain, judged by the joint
 * likelihood of its prefixes. Seeks likelier blocks than the target alone would sample; not lossless.
 */
export function mtad({ gamma, beamWidth, tau, clip }: MtadOptions, context: StrategyContext): Strategy {
  const greedy = context.sampling.temperature === 0;
  const truncation = likelihoodTruncation(context.sampling);
  const next = draftModel(context, truncation);
  return {
    name: 'mtad',
    truncation,
    draft: beamDrafter(next, { gamma, beamWidth, greedy, isEnd: context.isEnd }),
    accept: (draft, p, rng) => {
      const n = acceptJoint(draft, p, { tau, clip });
      const accepted = [...draft.keys()].slice(0, n);
      return { accepted, next: greedy ? argmax(p[n]!) : sample(p[n]!, rng()) };
    },
  };
}
