import type { Step } from '../decoding/loop.js';
import { type CostCurve, type CostCurves, passMs } from './cost-curves.js';

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
 * Holds what passes cost inside llama.cpp, by the curves, against what they take there: of the target alone and with
 * guesses, and of the draft model. Costs that were measured while the machine had other work, or before something changed,
 * are found out.
 */
export class ToldAndTaken {
  readonly #kinds: Record<'plain' | 'wide' | 'draft', Kind> = { plain: none(), wide: none(), draft: none() };
  readonly #target: CostCurve;
  readonly #draft: CostCurve | undefined;
  readonly #beamWidth: number;

  constructor({ target, draft }: CostCurves, beamWidth: number) {
    this.#target = inside(target);
    this.#draft = draft && inside(draft);
    this.#beamWidth = beamWidth;
  }

  /** @param unread tokens that the first pass of the draft model had to read */
  add({ draft, draftPasses, targetPasses, ms }: Step, unread: number): void {
    if (targetPasses === 1)
      count(
        this.#kinds[draft.length > 0 ? 'wide' : 'plain'],
        1,
        passMs(this.#target, draft.length + 1),
        ms.verify,
      );
    if (!this.#draft || draftPasses === 0) return;
    const told = passMs(this.#draft, unread) + (draftPasses - 1) * passMs(this.#draft, this.#beamWidth);
    count(this.#kinds.draft, draftPasses, told, ms.draft);
  }

  /** Whether the kinds disagree by so much that other draft lengths might pay. */
  get disagree(): boolean {
    const ratios = Object.values(this.#kinds)
      .filter(({ passes }) => passes >= FEWEST)
      .map(({ told, taken }) => taken / told);
    return ratios.length > 1 && Math.max(...ratios) > TOLERANCE * Math.min(...ratios);
  }
}

function inside(curve: CostCurve): CostCurve {
  return curve.map(({ rows, ms, insideMs = ms }) => ({ rows, ms: insideMs }));
}

function none(): Kind {
  return { passes: 0, told: 0, taken: 0 };
}

function count(kind: Kind, passes: number, told: number, taken: number): void {
  kind.passes += passes;
  kind.told += told;
  kind.taken += taken;
}
