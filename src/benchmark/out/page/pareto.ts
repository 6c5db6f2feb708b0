export interface SpeedAndQuality {
  readonly tokensPerSecond: number;
  /** Lower is better. */
  readonly perplexity: number;
}

/** Those that no other beats, slowest first. Of equals all stay. */
export function paretoFront<P extends SpeedAndQuality>(points: readonly P[]): P[] {
  return points
    .filter((point) => !points.some((other) => dominates(other, point)))
    .sort((a, b) => a.tokensPerSecond - b.tokensPerSecond);
}

/** No worse in either, better in one. */
function dominates(a: SpeedAndQuality, b: SpeedAndQuality): boolean {
  return (
    a.tokensPerSecond >= b.tokensPerSecond &&
    a.perplexity <= b.perplexity &&
    (a.tokensPerSecond > b.tokensPerSecond || a.perplexity < b.perplexity)
  );
}
