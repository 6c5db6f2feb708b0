import { logProbOf } from '../math/distribution.js';
import { choose } from '../math/sample.js';
import type { SamplingSettings } from '../math/sampling-settings.js';
import type { Distribution, Draft, Rng, Verdict } from '../types.js';

/**
 * The rule for a block that the target drafted itself. It accepts the whole block and adds no token. Passes round
 * differently, so the judging pass may cut off a token that was barely likely enough to be drafted. The block then ends before
 * that token, and the target chooses another token. The target also chooses where nothing was drafted.
 *
 * @param draft a chain x_1..x_n
 * @param p target distributions p_1..p_{n+1}, where p[i] judges draft[i]
 */
export function acceptOwn(
  draft: Draft,
  p: readonly Distribution[],
  sampling: Pick<SamplingSettings, 'temperature'>,
  rng: Rng,
): Verdict {
  const lost = draft.findIndex(({ token }, i) => logProbOf(p[i]!, token) === -Infinity);
  const isWhole = lost === -1 && draft.length > 0;
  const accepted = [...draft.keys()].slice(0, lost === -1 ? draft.length : lost);
  return { accepted, next: isWhole ? undefined : choose(p[accepted.length]!, sampling, rng) };
}
