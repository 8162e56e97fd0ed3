import { addNumbers, createHistogram, type Histogram } from './histogram.js';
import { type Moments, mergeMoments, momentsOf, varianceOf } from './moments.js';

/** Numbers kept for a histogram unless said otherwise: 64 MB. */
const defaultKeptCount = 8 * 1024 * 1024;

/**
 * Extremes, moments and histogram of a stream of numbers.
 *
 * The histogram's range is not known before the end, so numbers are kept for it, as many as there is room for: those of the
 * first samples.
 */
export class Spread {
  /** NaN as soon as one number is. */
  maximum = -Infinity;
  minimum = Infinity;
  nanCount = 0;
  infiniteCount = 0;
  /** Samples that the histogram rests on. */
  keptSampleCount = 0;
  private sum = 0;
  private moments: Moments = { count: 0, mean: 0, squaredDeviations: 0 };
  private lowest = Infinity;
  private highest = -Infinity;
  private readonly kept: Float64Array[] = [];
  private keptCount = 0;
  private isFull = false;
  private readonly maxKeptCount: number;

  constructor(maxKeptCount = defaultKeptCount) {
    this.maxKeptCount = maxKeptCount;
  }

  /** Numbers that were added, NaN and infinities too. */
  get count(): number {
    return this.moments.count;
  }

  /** NaN of nothing. A sum, because moments are lost at the first infinity. */
  get mean(): number {
    return this.sum / this.moments.count;
  }

  /** Population standard deviation; NaN of nothing, and as soon as one number is not finite. */
  get standardDeviation(): number {
    return Math.sqrt(varianceOf(this.moments));
  }

  /** Adds the numbers of some whole samples, which are kept: they must not change afterwards. */
  add(numbers: Float64Array, sampleCount: number): void {
    let { lowest, highest } = this;
    let oddCount = 0;
    let sum = 0;
    for (let i = 0; i < numbers.length; i++) {
      const number = numbers[i]!;
      sum += number;
      if (!Number.isFinite(number)) oddCount++;
      else {
        if (number < lowest) lowest = number;
        if (number > highest) highest = number;
      }
    }
    this.sum += sum;
    this.lowest = lowest;
    this.highest = highest;
    if (oddCount > 0) this.addOdd(numbers);
    this.maximum = this.nanCount > 0 ? NaN : Math.max(this.maximum, highest);
    this.minimum = this.nanCount > 0 ? NaN : Math.min(this.minimum, lowest);
    this.moments = mergeMoments(this.moments, momentsOf(numbers));
    this.keep(numbers, sampleCount);
  }

  /**
   * Returns the histogram of what was kept, over the range of all finite numbers; one bin of width 1 where they are all
   * equal, and undefined where there is none.
   */
  histogram(binCount: number): Histogram | undefined {
    const { lowest, highest } = this;
    if (lowest > highest) return undefined;
    const histogram =
      lowest === highest
        ? createHistogram(lowest - 0.5, highest + 0.5, 1)
        : createHistogram(lowest, highest, binCount);
    for (const numbers of this.kept) addNumbers(histogram, numbers);
    return histogram;
  }

  private addOdd(numbers: Float64Array): void {
    for (const number of numbers) {
      if (Number.isNaN(number)) this.nanCount++;
      else if (!Number.isFinite(number)) {
        this.infiniteCount++;
        this.maximum = Math.max(this.maximum, number);
        this.minimum = Math.min(this.minimum, number);
      }
    }
  }

  private keep(numbers: Float64Array, sampleCount: number): void {
    this.isFull ||= this.keptCount + numbers.length > this.maxKeptCount;
    if (this.isFull) return;
    this.kept.push(numbers);
    this.keptCount += numbers.length;
    this.keptSampleCount += sampleCount;
  }
}
