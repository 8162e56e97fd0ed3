import { UserError } from '../base/errors.js';
import type { WeightStatistics } from '../protocol/structure.js';
import { type DataType, dataTypeFacts } from './dataTypes.js';
import type { StoredConstant } from './storedConstants.js';
import { type Numbers, tensorChunks } from './tensorChunks.js';
import { elementCountOf } from './tensorValue.js';

/**
 * Returns the statistics of one constant: what is not finite is counted and left out of all else.
 *
 * The tensor is read twice, in chunks: bounds and mean first, then the spread around the mean and the histogram. Sums
 * are float64. Bins are equal, over [minimum, maximum]; a number on an inner edge belongs to the bin above it. Integers
 * of few values get a bin each.
 *
 * @throws UserError `weight-unknown`, and as reading the tensor does.
 */
export async function weightStatistics(
  constants: readonly StoredConstant[],
  { name, binCount }: { readonly name: string; readonly binCount: number },
): Promise<WeightStatistics> {
  const constant = constants.find((candidate) => candidate.name === name);
  if (constant === undefined) throw unknownWeight(name);
  const elementCount = elementCountOf(constant.dims);
  const none = noNumbers(name, elementCount);
  if (!holdsNumbers(constant.tensor.elementType)) return none;
  const bounds = new Bounds(elementCount - elementCountOf(constant.tensor.dims));
  for await (const numbers of tensorChunks(constant.tensor)) bounds.add(numbers);
  const counted = {
    ...{ zeroCount: bounds.zeroCount, nanCount: bounds.nanCount, infiniteCount: bounds.infiniteCount },
  };
  if (bounds.finiteCount === 0) return { ...none, ...counted };
  const edges = edgesOf(bounds, binCount, constant.tensor.elementType);
  const spread = new Spread(bounds, edges);
  for await (const numbers of tensorChunks(constant.tensor)) spread.add(numbers);
  spread.addZeros(bounds.implicitZeroCount);
  return {
    ...{ name, elementCount, minimum: bounds.minimum, maximum: bounds.maximum, mean: bounds.mean },
    standardDeviation: spread.scale * Math.sqrt(spread.squares / bounds.finiteCount),
    ...counted,
    ...{ edges, counts: spread.counts },
  };
}

function unknownWeight(name: string): UserError {
  return new UserError(
    'weight-unknown',
    `The model has no constant named "${name}". It may have changed since it was opened; open it again.`,
    { detail: { name } },
  );
}

function holdsNumbers(type: DataType): boolean {
  return dataTypeFacts(type).bits > 0 && !type.startsWith('complex');
}

function noNumbers(name: string, elementCount: number): WeightStatistics {
  const none = { minimum: null, maximum: null, mean: null, standardDeviation: null };
  const counts = { zeroCount: 0, nanCount: 0, infiniteCount: 0 };
  return { name, elementCount, ...none, ...counts, edges: [], counts: [] };
}

/** Sums of numbers that float64 only just holds would overflow; a power of two changes no digit. */
const sumScale = 2 ** -64;

/** The first pass. */
class Bounds {
  minimum = NaN;
  maximum = NaN;
  zeroCount: number;
  nanCount = 0;
  infiniteCount = 0;
  finiteCount: number;
  private sum = 0;
  private scaledSum = 0;

  /** What a sparse constant does not store is 0. */
  constructor(readonly implicitZeroCount: number) {
    this.zeroCount = implicitZeroCount;
    this.finiteCount = implicitZeroCount;
    if (implicitZeroCount > 0) this.minimum = this.maximum = 0;
  }

  get mean(): number {
    const { sum, scaledSum, finiteCount } = this;
    return Number.isFinite(sum) ? sum / finiteCount : scaledSum / finiteCount / sumScale;
  }

  add(numbers: Numbers): void {
    let { sum, scaledSum, zeroCount, finiteCount } = this;
    let minimum = finiteCount > 0 ? this.minimum : Infinity;
    let maximum = finiteCount > 0 ? this.maximum : -Infinity;
    for (let i = 0; i < numbers.length; i++) {
      const value = numbers[i] ?? 0;
      // False for NaN and both infinities.
      if (!(value - value === 0)) {
        this.addNotFinite(value);
        continue;
      }
      finiteCount++;
      sum += value;
      scaledSum += value * sumScale;
      if (value < minimum) minimum = value;
      if (value > maximum) maximum = value;
      if (value === 0) zeroCount++;
    }
    Object.assign(this, { sum, scaledSum, zeroCount, finiteCount });
    if (finiteCount > 0) Object.assign(this, { minimum, maximum });
  }

  private addNotFinite(value: number): void {
    if (Number.isNaN(value)) this.nanCount++;
    else this.infiniteCount++;
  }
}

/** The second pass. */
class Spread {
  /** Sum of squared distances from the mean, in units of `scale`². */
  squares = 0;
  readonly scale: number;
  readonly counts: number[];
  private readonly mean: number;

  constructor(
    { mean, minimum, maximum }: Bounds,
    private readonly edges: readonly number[],
  ) {
    const size = Math.max(Math.abs(minimum), Math.abs(maximum));
    // The squares of larger numbers may overflow.
    this.scale = size > 1e150 ? size : 1;
    this.mean = mean;
    this.counts = new Array<number>(Math.max(edges.length - 1, 0)).fill(0);
  }

  add(numbers: Numbers): void {
    const { mean, scale } = this;
    let { squares } = this;
    for (let i = 0; i < numbers.length; i++) {
      const value = numbers[i] ?? 0;
      if (!(value - value === 0)) continue;
      squares += ((value - mean) / scale) ** 2;
      this.count(value, 1);
    }
    this.squares = squares;
  }

  addZeros(count: number): void {
    if (count === 0) return;
    this.squares += count * (this.mean / this.scale) ** 2;
    this.count(0, count);
  }

  private count(value: number, times: number): void {
    const { edges, counts } = this;
    const last = counts.length - 1;
    const [low = 0, high = 0] = [edges[0], edges[last + 1]];
    // Halved, so that the width of the widest floats does not overflow.
    const guess = Math.floor(((value / 2 - low / 2) / (high / 2 - low / 2)) * counts.length);
    let bin = Math.min(Math.max(guess, 0), last);
    // Rounding may have put it beside its bin.
    while (bin > 0 && value < (edges[bin] ?? 0)) bin--;
    while (bin < last && value >= (edges[bin + 1] ?? 0)) bin++;
    counts[bin] = (counts[bin] ?? 0) + times;
  }
}

function edgesOf({ minimum, maximum }: Bounds, binCount: number, type: DataType): number[] {
  const isInteger = !dataTypeFacts(type).isFloat;
  if (isInteger && maximum - minimum < binCount) {
    return Array.from({ length: maximum - minimum + 2 }, (_, i) => minimum + i - 0.5);
  }
  const [low, high] = minimum === maximum ? around(minimum) : [minimum, maximum];
  return Array.from({ length: binCount + 1 }, (_, i) =>
    i === binCount ? high : low * (1 - i / binCount) + high * (i / binCount),
  );
}

/** A constant that is one number throughout stands in the middle of its histogram. */
function around(value: number): [number, number] {
  const margin = Math.abs(value) / 2 || 0.5;
  if (margin < 1e-300) return [-0.5, 0.5];
  return [Math.max(value - margin, -Number.MAX_VALUE), Math.min(value + margin, Number.MAX_VALUE)];
}
