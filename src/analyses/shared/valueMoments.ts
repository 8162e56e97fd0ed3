/** Moments over units, positions and samples. */
export interface ValueMoments {
  readonly mean: number;
  readonly variance: number;
  /** Mean of squares. */
  readonly square: number;
}
