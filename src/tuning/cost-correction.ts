import type { Step } from '../decoding/loop.js';
import { type CostCurve, type CostCurves, passMs } from './cost-curves.js';

/** The fewest passes of a kind that count. */
const FEWEST = 16;

/** The factor by which costs must be off to be corrected. Each correction changes which drafts pay, and so the text of a seed. */
const TOLERANCE = 1.25;

/** A sum over passes of one kind, in milliseconds. */
interface Kind {
  passes: number;
  told: number;
  taken: number;
}

/**
 * Compares the costs of the curves with the times of a text: of the target's passes without and with guesses, and of the draft
 * model with the rest of drafting. Costs that were measured while the machine was busy, behind a text of another length, or
 * before a change of the machine, are corrected for the next text.
 */
export class CostCorrection {
  readonly #kinds = { plain: none(), wide: none(), draft: none() };
  readonly #costs: CostCurves;
  readonly #plainMs: number;
  readonly #insideTarget: CostCurve;

  constructor(costs: CostCurves) {
    this.#costs = costs;
    this.#plainMs = passMs(costs.target, 1);
    this.#insideTarget = costs.target.map(({ rows, ms, insideMs = ms }) => ({ rows, ms: insideMs }));
  }

  /**
   * @param unread number of tokens that the first pass of the draft model had to read
   * @param beamWidth number of rows of its other passes
   */
  add({ draft, draftPasses, targetPasses, ms }: Step, unread: number, beamWidth: number): void {
    if (targetPasses !== 1) return;
    const { target, draft: draftCurve } = this.#costs;
    const told = draft.length === 0 ? this.#plainMs : passMs(target, draft.length + 1);
    if (draftPasses === 0 || !draftCurve) {
      count(this.#kinds[draft.length > 0 ? 'wide' : 'plain'], 1, told, ms.verify + ms.own);
      return;
    }
    const ownOfTarget = Math.min(ms.own, told - passMs(this.#insideTarget, draft.length + 1));
    count(this.#kinds.wide, 1, told, ms.verify + ownOfTarget);
    const toldDraft = passMs(draftCurve, unread) + (draftPasses - 1) * passMs(draftCurve, beamWidth);
    count(this.#kinds.draft, draftPasses, toldDraft, ms.draft + ms.own - ownOfTarget);
  }

  /** The corrected costs; undefined where they are near enough. A factor that all costs share changes no decision. */
  get corrected(): CostCurves | undefined {
    const { plain, wide, draft } = this.#kinds;
    const ratioOf = ({ passes, told, taken }: Kind) => (passes >= FEWEST ? taken / told : undefined);
    const reference = ratioOf(plain) ?? ratioOf(wide) ?? 1;
    const factors = {
      plain: (ratioOf(plain) ?? reference) / reference,
      wide: (ratioOf(wide) ?? reference) / reference,
      draft: (ratioOf(draft) ?? reference) / reference,
    };
    if (Object.values(factors).every((factor) => factor < TOLERANCE && factor > 1 / TOLERANCE))
      return undefined;
    const [one, ...others] = this.#costs.target;
    return {
      target: [scaled(one!, factors.plain), ...others.map((cost) => scaled(cost, factors.wide))],
      draft: this.#costs.draft?.map((cost) => scaled(cost, factors.draft)),
    };
  }
}

function scaled({ rows, ms, insideMs }: CostCurve[number], factor: number): CostCurve[number] {
  return { rows, ms: factor * ms, ...(insideMs !== undefined && { insideMs: factor * insideMs }) };
}

function none(): Kind {
  return { passes: 0, told: 0, taken: 0 };
}

function count(kind: Kind, passes: number, told: number, taken: number): void {
  kind.passes += passes;
  kind.told += told;
  kind.taken += taken;
}
