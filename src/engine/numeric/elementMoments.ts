/** Central moments, element by element, of arrays of one length that arrive one by one. Float64, without cancellation. */
export class ElementMoments {
  readonly mean: Float64Array;
  /** Arrays added so far. */
  count = 0;
  private readonly second: Float64Array;
  private readonly third: Float64Array;
  private readonly fourth: Float64Array;

  constructor(length: number) {
    this.mean = new Float64Array(length);
    this.second = new Float64Array(length);
    this.third = new Float64Array(length);
    this.fourth = new Float64Array(length);
  }

  /**
   * Adds an array.
   *
   * Source: Pébay (2008), "Formulas for Robust, One-Pass Parallel Computation of Covariances and Arbitrary-Order
   * Statistical Moments", SAND2008-6212.
   */
  add(values: ArrayLike<number>): void {
    const { mean, second, third, fourth } = this;
    const n = ++this.count;
    for (let i = 0; i < mean.length; i++) {
      const delta = values[i]! - mean[i]!;
      const step = delta / n;
      const square = step * step;
      const term = delta * step * (n - 1);
      mean[i]! += step;
      fourth[i]! += term * square * (n * n - 3 * n + 3) + 6 * square * second[i]! - 4 * step * third[i]!;
      third[i]! += term * step * (n - 2) - 3 * step * second[i]!;
      second[i]! += term;
    }
  }

  /** Returns the population variance; NaN of nothing. */
  variance(): Float64Array {
    return this.second.map((sum) => sum / this.count);
  }

  /** Returns the standard error of the mean, √(s²/n) with the unbiased s²; NaN of fewer than two arrays. */
  meanError(): Float64Array {
    return this.second.map((sum) => Math.sqrt(sum / ((this.count - 1) * this.count)));
  }

  /** Returns the standard error of the variance, √((m₄ − m₂²)/n), for large n; NaN of nothing. */
  varianceError(): Float64Array {
    const variance = this.variance();
    return this.fourth.map((sum, i) =>
      Math.sqrt(Math.max(0, sum / this.count - variance[i]! ** 2) / this.count),
    );
  }
}
