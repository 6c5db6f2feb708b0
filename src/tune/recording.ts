import type { Step } from '../decoding/loop.js';
import type { Counters } from '../generation/counters.js';
import type { Prompt, Series } from '../generation/generate.js';
import type { SettingsInput } from '../generation/settings.js';
import { excerpt, logProbOf } from '../math/distribution.js';
import type { CostCurves } from '../tuning/cost-curves.js';
import { surplusOfGuess } from '../tuning/quality-budget.js';
import type { Distribution, Draft, LogProb, TokenId } from '../types.js';

/** A step of a chain, as small as a trace has it: of each distribution only what the drafted token had. */
export interface JudgedChain {
  readonly draft: Draft;
  /** Of the target: p[i] judges draft[i]. */
  readonly p: readonly Distribution[];
  /** By how many nats each guess is likelier to the target than a token sampled in its place. */
  readonly surplus: readonly LogProb[];
  /** Guesses that were accepted. */
  readonly accepted: number;
}

/** A text that was written, and what a replay needs of it. */
export interface Recorded {
  readonly tokens: readonly TokenId[];
  readonly counters: Counters;
  readonly chains: readonly JudgedChain[];
  /** What passes cost, where the draft length adapted to it. */
  readonly costs?: CostCurves | undefined;
  /** Sum of the raw log-probabilities of its tokens under the target. */
  readonly logProbSum: LogProb;
}

/** Sees each step whole. */
export type StepWatch = (step: Step) => void;

/**
 * Writes a text and keeps what a replay needs of it.
 * @throws the signal's reason when it is interrupted, and what `generate` throws
 */
export async function recordSteps(
  series: Series,
  prompt: Prompt,
  settings: SettingsInput,
  signal: AbortSignal,
  watch: StepWatch = () => {},
): Promise<Omit<Recorded, 'logProbSum'>> {
  const chains: JudgedChain[] = [];
  let costs: CostCurves | undefined;
  for await (const event of series.write(prompt, settings)) {
    if (event.type === 'step') {
      watch(event.step);
      chains.push(judgedChain(event.step, settings.temperature ?? 1));
    }
    if (event.type === 'costs') costs = { target: event.costs.target, draft: event.costs.draft };
    if (event.type !== 'end') continue;
    signal.throwIfAborted();
    const { tokens, counters } = event.result;
    return { tokens, counters, chains, costs };
  }
  signal.throwIfAborted();
  throw new Error('A generation ended without a result');
}

/** What of a step a replay needs. @param temperature of the sampling, >= 0 */
export function judgedChain({ draft, p, accepted }: Step, temperature: number): JudgedChain {
  return {
    draft: draft.map(({ token, parent, q }) => ({
      token,
      parent,
      q: excerpt([token], [logProbOf(q, token)]),
    })),
    p: draft.map(({ token }, i) => excerpt([token], [logProbOf(p[i]!, token)])),
    surplus: draft.map((guess) => surplusOfGuess(guess, p, temperature)),
    accepted,
  };
}
