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
