const bars = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/**
 * Returns counts as a row of block characters, the largest as the highest; an empty bin is a space's width of baseline.
 *
 * Heights follow the logarithm of the counts, because activations are mostly zero and the rest would not show; one that
 * counted anything is higher than an empty one.
 */
export function sparklineOf(counts: readonly number[], width = counts.length): string {
  const merged = mergeBins(counts, Math.max(1, Math.min(width, counts.length)));
  const largest = Math.max(...merged);
  if (merged.length === 0 || largest <= 0) return '';
  return merged
    .map((count) => {
      const share = Math.log1p(count) / Math.log1p(largest);
      const height = Math.floor(share * (bars.length - 1e-9));
      return bars[count > 0 ? Math.max(1, height) : 0];
    })
    .join('');
}

function mergeBins(counts: readonly number[], width: number): number[] {
  const merged = new Array<number>(counts.length === 0 ? 0 : width).fill(0);
  for (const [index, count] of counts.entries()) {
    const bin = Math.floor((index * width) / counts.length);
    merged[bin] = (merged[bin] ?? 0) + count;
  }
  return merged;
}
