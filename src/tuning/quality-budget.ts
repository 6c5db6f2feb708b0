import type { Step } from '../decoding/loop.js';
import { logProbOf } from '../math/distribution.js';
import type { Distribution, LogProb } from '../types.js';

/** The threshold at the beginning. */
export const FIRST_THRESHOLD = 0.5;

/** The lowest ln tau. */
const LOWEST = Math.log(0.005);

/** RATE: how far one nat moves ln tau. MOST_OF_A_STEP: the most nats that one step counts. */
const RATE = 0.05;
const MOST_OF_A_STEP = 3;

/** The quality of the text so far. */
export interface Quality {
  /** The present threshold. */
  readonly threshold: number;
  /** Estimate of the text's perplexity, divided by that of plain sampling at the same places; 1 for an empty text. */
  readonly perplexityRatio: number;
  /** Whether the threshold is at an end of its range, so that the wanted ratio may be out of reach. */
  readonly isAtLimit: boolean;
}

/**
 * Moves the acceptance threshold so that the text is as fast as a bound on perplexity allows. After each step the threshold
 * falls if the text is likelier than the bound, and rises if it is not. The log-probability that plain sampling would have
 * had at a place is its expectation under the target's distribution, which is known without sampling. A correction or bonus
 * token is drawn from that distribution, so it counts at its expectation.
 */
export class QualityBudget {
  readonly #lnRatio: number;
  readonly #temperature: number;
  #lnTau = Math.log(FIRST_THRESHOLD);
  #surplus = 0; // nats, of all accepted tokens
  #tokens = 0;

  /**
   * @param ratio the highest perplexity, divided by that of plain sampling, > 0
   * @param temperature of the sampling, >= 0
   */
  constructor(ratio: number, temperature: number) {
    this.#lnRatio = Math.log(ratio);
    this.#temperature = temperature;
  }

  /** Begins a new text. The threshold stays. */
  restart(): void {
    this.#surplus = 0;
    this.#tokens = 0;
  }

  /** (0, 1] */
  get threshold(): number {
    return Math.exp(this.#lnTau);
  }

  get quality(): Quality {
    return {
      threshold: this.threshold,
      perplexityRatio: this.#tokens === 0 ? 1 : Math.exp(-this.#surplus / this.#tokens),
      isAtLimit: this.#lnTau === LOWEST || this.#lnTau === 0,
    };
  }

  /** Moves the threshold after a step. @returns the change of ln tau */
  learn(step: Step): number {
    const surplus = surplusOf(step, this.#temperature);
    this.#surplus += surplus;
    this.#tokens += step.emitted.length;
    const left = surplus + step.emitted.length * this.#lnRatio;
    const move = -RATE * Math.max(-MOST_OF_A_STEP, Math.min(MOST_OF_A_STEP, left));
    const before = this.#lnTau;
    this.#lnTau = Math.max(LOWEST, Math.min(0, before + move));
    return this.#lnTau - before;
  }
}

/** Returns the nats by which the target finds the accepted tokens likelier than tokens sampled in their places. */
function surplusOf({ draft, p, path }: Step, temperature: number): number {
  const surpluses = path.map((node) => surplusOfGuess(draft[node]!, p, temperature));
  return surpluses.reduce((a, b) => a + b, 0);
}

/** Returns the same for one drafted token. @param p target distributions: p[0] after the prefix, p[i + 1] after draft[i] */
export function surplusOfGuess(
  { token, parent }: Step['draft'][number],
  p: readonly Distribution[],
  temperature: number,
): LogProb {
  const before = p[parent + 1]!;
  const own = logProbOf(before, token);
  if (temperature === 0) return own - before.logProbs[0]!;
  return temperature * (own - meanLogProb(before)); // undoes the division of the logits by the temperature
}

/** Returns the expected log-probability of a token drawn from the distribution. */
function meanLogProb({ logProbs }: Distribution): LogProb {
  return logProbs.reduce((sum, logProb) => sum + Math.exp(logProb) * logProb, 0);
}
