/**
 * Tokens of context where the user leaves the size open: a gigabyte in a model of eight billion parameters. The length that a
 * model was trained on may be far larger, and not fit into memory.
 */
export const USUAL_CONTEXT = 8192;

/**
 * Returns the number of tokens of a context.
 * @param trained the length that the model was trained on; 0: unknown
 * @param asked by the user; 0: all of the trained length; undefined: as usual
 */
export function usualContextSize(trained: number, asked?: number): number {
  const whole = trained || USUAL_CONTEXT;
  return asked === 0 ? whole : (asked ?? Math.min(whole, USUAL_CONTEXT));
}
