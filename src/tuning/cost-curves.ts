/** What passes cost on this machine, and how a cost that was not measured is told from those that were. */

/** What a pass of this width takes. */
export interface PassTime {
  /** Tokens evaluated and read in it, >= 1. */
  readonly rows: number;
  /** Milliseconds, with what mtad itself does to plan the pass and to read its logits. */
  readonly ms: number;
  /** The part of it inside llama.cpp's calls; undefined = it is not known. */
  readonly insideMs?: number | undefined;
}

/** Passes of one model, the narrowest first, one for each number of rows; at least that of one row. */
export type CostCurve = readonly PassTime[];

/** What a step is made of. */
export interface CostCurves {
  readonly target: CostCurve;
  /** Undefined where no model drafts. */
  readonly draft: CostCurve | undefined;
}

/**
 * The milliseconds of a pass: between two measured widths along the line between them, beyond the widest along the line
 * of the last two.
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
