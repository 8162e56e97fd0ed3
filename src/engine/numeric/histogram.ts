/** Counts of numbers in bins of equal width over [low, high]; a number on an inner edge belongs to the bin below it. */
export interface Histogram {
  readonly low: number;
  readonly high: number;
  readonly counts: Float64Array;
}

/** Returns an empty histogram. */
export function createHistogram(low: number, high: number, binCount: number): Histogram {
  return { low, high, counts: new Float64Array(binCount) };
}

/** Returns the inner edges, lowest first: one fewer than there are bins. */
export function innerEdges({ low, high, counts }: Histogram): number[] {
  const binCount = counts.length;
  return Array.from({ length: binCount - 1 }, (_, i) => low + ((high - low) * (i + 1)) / binCount);
}

/** Returns all edges, lowest first: one more than there are bins. */
export function edgesOf(histogram: Histogram): number[] {
  return [histogram.low, ...innerEdges(histogram), histogram.high];
}

/** Adds finite numbers one by one; those outside the range go to the first or last bin, NaN and infinities to none. */
export function addNumbers(histogram: Histogram, numbers: ArrayLike<number>): void {
  const { low, high, counts } = histogram;
  const edges = innerEdges(histogram);
  const perUnit = counts.length / (high - low);
  const lastBin = counts.length - 1;
  for (let i = 0; i < numbers.length; i++) {
    const number = numbers[i]!;
    if (!Number.isFinite(number)) continue;
    let bin = Math.min(lastBin, Math.max(0, Math.floor((number - low) * perUnit)));
    // The division may be off by a rounding; the edges decide.
    while (bin < lastBin && number > edges[bin]!) bin++;
    while (bin > 0 && number <= edges[bin - 1]!) bin--;
    counts[bin]!++;
  }
}

/**
 * Adds numbers given by how many lie above each inner edge, which is how a graph counts them; everything below the first
 * edge falls into the first bin.
 */
export function addCumulative(histogram: Histogram, total: number, aboveEdges: readonly number[]): void {
  let above = total;
  for (let bin = 0; bin < histogram.counts.length; bin++) {
    const next = aboveEdges[bin] ?? 0;
    histogram.counts[bin]! += above - next;
    above = next;
  }
}

/**
 * Returns the histogram of two streams together.
 *
 * @throws Error when their bins differ.
 */
export function mergeHistograms(a: Histogram, b: Histogram): Histogram {
  if (a.low !== b.low || a.high !== b.high || a.counts.length !== b.counts.length) {
    throw new Error('Histograms with different bins cannot be merged.');
  }
  return { ...a, counts: a.counts.map((count, bin) => count + b.counts[bin]!) };
}
