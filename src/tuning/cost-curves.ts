/** The costs of passes on this machine, and the estimate of costs between the measured ones. */

/** The time of a pass of one width. */
export interface PassTime {
  /** Number of tokens that it evaluates and reads, >= 1. */
  readonly rows: number;
  /** Milliseconds, including mtad's own work to plan the pass and to read its logits. */
  readonly ms: number;
  /** Milliseconds inside llama.cpp's calls; undefined = not known. */
  readonly insideMs?: number | undefined;
}

/** Passes of one model, the narrowest first, one for each number of rows; at least that of one row. */
export type CostCurve = readonly PassTime[];

/** The costs of both models. */
export interface CostCurves {
  readonly target: CostCurve;
  /** Undefined where no model drafts. */
  readonly draft: CostCurve | undefined;
}

/**
 * Returns the milliseconds of a pass. Between two measured widths they lie on the line through both, beyond the widest on the
 * line through the last two.
 */
export function passMs(curve: CostCurve, rows: number): number {
  const known = curve.find((cost) => cost.rows === rows);
  if (known) return known.ms;
  const above = curve.findIndex((cost) => cost.rows > rows);
  const right = Math.max(1, above === -1 ? curve.length - 1 : above);
  const from = curve[right - 1]!;
  const to = curve[right];
  if (!to) return (from.ms * rows) / from.rows; // one width alone: as if every row cost the same
  return from.ms + ((to.ms - from.ms) * (rows - from.rows)) / (to.rows - from.rows);
}
