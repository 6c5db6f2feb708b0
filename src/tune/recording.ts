import type { Step } from '../decoding/loop.js';
import type { Counters } from '../generation/counters.js';
import type { Prompt, Series } from '../generation/generate.js';
import type { SettingsInput } from '../generation/settings.js';
import { excerpt, logProbOf } from '../math/distribution.js';
import { type Block, blocksOf } from '../rules/block.js';
import type { CostCurves } from '../tuning/cost-curves.js';
import { surplusOfGuess } from '../tuning/quality-budget.js';
import type { Distribution, Draft, LogProb, TokenId } from '../types.js';

/** A step of a chain. As in a trace, each distribution is cut to the drafted token. */
export interface JudgedChain {
  readonly draft: Draft;
  /** Target distributions: p[i] judges draft[i]. */
  readonly p: readonly Distribution[];
  /** For each guess, the nats by which the target finds it likelier than a token sampled in its place. */
  readonly surplus: readonly LogProb[];
  /** Of the first 1, 2, … guesses, by whole distributions, for block verification. */
  readonly blocks: readonly Block[];
  /** Number of accepted guesses. */
  readonly accepted: number;
}

/** A text, and the facts that a replay needs. */
export interface Recorded {
  readonly tokens: readonly TokenId[];
  readonly counters: Counters;
  readonly chains: readonly JudgedChain[];
  /** The costs of passes, where the draft length adapted to them. */
  readonly costs?: CostCurves | undefined;
  /** Sum of the raw log-probabilities of its tokens under the target. */
  readonly logProbSum: LogProb;
}

/** Called with each whole step. */
export type StepWatch = (step: Step) => void;

/**
 * Writes a text and records the facts that a replay needs.
 * @throws the signal's reason where it is aborted, and what `generate` throws
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

/** Returns the facts of a step that a replay needs. @param temperature of the sampling, >= 0 */
export function judgedChain({ draft, p, accepted }: Step, temperature: number): JudgedChain {
  return {
    draft: draft.map(({ token, parent, q }) => ({
      token,
      parent,
      q: excerpt([token], [logProbOf(q, token)]),
    })),
    p: draft.map(({ token }, i) => excerpt([token], [logProbOf(p[i]!, token)])),
    surplus: draft.map((guess) => surplusOfGuess(guess, p, temperature)),
    blocks: blocksOf(draft, p),
    accepted,
  };
}
