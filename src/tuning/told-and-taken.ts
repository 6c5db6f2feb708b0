import type { Step } from '../decoding/loop.js';
import { type CostCurves, passMs } from './cost-curves.js';

/** Passes of a kind from which on it says something. */
const FEWEST = 16;

/** How many times as far off one kind of pass may be as another. That all are slower alike changes no decision. */
const TOLERANCE = 2;

/** A sum over passes of one kind, in milliseconds. */
interface Kind {
  passes: number;
  told: number;
  taken: number;
}

/**
 * Holds what passes cost by the curves against what they take: of the target alone and with guesses, and of the draft
 * model. Costs that were measured while the machine had other work, or before something changed, are found out.
 */
export class ToldAndTaken {
  readonly #kinds: Record<'plain' | 'wide' | 'draft', Kind> = { plain: none(), wide: none(), draft: none() };
  readonly #costs: CostCurves;

  constructor(costs: CostCurves) {
    this.#costs = costs;
  }

  /** @param toldDraft milliseconds of the step's passes of the draft model by the curves */
  add({ draft, draftPasses, targetPasses, ms }: Step, toldDraft: number): void {
    if (targetPasses === 1)
      count(
        this.#kinds[draft.length > 0 ? 'wide' : 'plain'],
        1,
        passMs(this.#costs.target, draft.length + 1),
        ms.verify,
      );
    if (draftPasses > 0) count(this.#kinds.draft, draftPasses, toldDraft, ms.draft);
  }

  /** Whether the kinds disagree by so much that other draft lengths might pay. */
  get disagree(): boolean {
    const ratios = Object.values(this.#kinds)
      .filter(({ passes }) => passes >= FEWEST)
      .map(({ told, taken }) => taken / told);
    return ratios.length > 1 && Math.max(...ratios) > TOLERANCE * Math.min(...ratios);
  }
}

function none(): Kind {
  return { passes: 0, told: 0, taken: 0 };
}

function count(kind: Kind, passes: number, told: number, taken: number): void {
  kind.passes += passes;
  kind.told += told;
  kind.taken += taken;
}
