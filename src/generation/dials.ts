import type { Step } from '../decoding/loop.js';
import { heedsSetting } from '../strategies/index.js';
import type { AdaptiveLength } from '../tuning/adaptive-length.js';
import { QualityBudget } from '../tuning/quality-budget.js';
import { RepetitionBudget, USUAL_SHARE } from '../tuning/repetition-budget.js';
import type { GenerationResult } from './events.js';
import type { Settings } from './settings.js';

/** The settings that follow the text while it is written: the threshold its quality, the beam width its repetition. */
export class Dials {
  readonly #quality: QualityBudget | undefined;
  readonly #repetition: RepetitionBudget | undefined;

  constructor({ strategy, threshold, quality, temperature, repetition, beamWidth, draftFrom }: Settings) {
    if (threshold === 'auto' && heedsSetting(strategy, 'threshold'))
      this.#quality = new QualityBudget(quality ?? 1, temperature);
    const share = repetition ?? (this.#quality && USUAL_SHARE);
    if (share !== undefined && heedsSetting(strategy, 'beamWidth') && draftFrom !== 'lookup')
      this.#repetition = new RepetitionBudget(share, beamWidth);
  }

  /** A new text: both stay where they are. */
  restart(): void {
    this.#quality?.restart();
    this.#repetition?.restart();
  }

  /** (0, 1]; undefined = the threshold is fixed. */
  get threshold(): number | undefined {
    return this.#quality?.threshold;
  }

  /** >= 1; undefined = the beam width is fixed. */
  get beamWidth(): number | undefined {
    return this.#repetition?.beamWidth;
  }

  /** For a strategy to ask at each step; undefined = what does not move. */
  get asked(): {
    readonly threshold?: (() => number) | undefined;
    readonly beamWidth?: (() => number) | undefined;
  } {
    const [quality, repetition] = [this.#quality, this.#repetition];
    return {
      threshold: quality && (() => quality.threshold),
      beamWidth: repetition && (() => repetition.beamWidth),
    };
  }

  /** What became of them, for people. */
  get reached(): Pick<GenerationResult, 'quality' | 'repetition'> {
    return { quality: this.#quality?.quality ?? null, repetition: this.#repetition?.repetition ?? null };
  }

  /** Learns from a step. @param length that is to know what has moved */
  learn(step: Step, length: AdaptiveLength | undefined): void {
    const move = this.#quality?.learn(step) ?? 0;
    length?.thresholdMoved(move);
    this.#repetition?.learn(step);
    this.tell(length);
  }

  /** Tells a draft length how many beams there are now. */
  tell(length: AdaptiveLength | undefined): void {
    if (this.#repetition) length?.beamsChanged(this.#repetition.beamWidth);
  }
}
