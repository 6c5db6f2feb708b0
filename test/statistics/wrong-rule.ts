import type { Strategy } from '../../src/decoding/strategy.js';
import { logProbOf } from '../../src/math/distribution.js';
import { sample } from '../../src/math/sample.js';
import type { Distribution } from '../../src/types.js';

/** A strategy under speculative sampling with another readiness to accept, or with another distribution after a refusal. */
export const wrongly = (
  strategy: Strategy,
  readiness: number,
  afterRefusal: (p: Distribution, q: Distribution) => Distribution,
): Strategy => ({
  ...strategy,
  accept(draft, p, rng) {
    for (const [i, { token, q }] of draft.entries()) {
      const ratio = Math.exp(logProbOf(p[i]!, token) - logProbOf(q, token));
      if (rng() >= readiness * ratio)
        return { accepted: [...draft.keys()].slice(0, i), next: sample(afterRefusal(p[i]!, q), rng()) };
    }
    return { accepted: [...draft.keys()], next: sample(p[draft.length]!, rng()) };
  },
});
