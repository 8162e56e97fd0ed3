const bars = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/**
 * Returns counts as a row of block characters, the largest as the highest; an empty bin is a space's width of baseline.
 *
 * Heights follow the square root of the counts, because activations are mostly near zero and the rest would not show.
 */
export function sparklineOf(counts: readonly number[], width = counts.length): string {
  const merged = mergeBins(counts, Math.max(1, Math.min(width, counts.length)));
  const largest = Math.max(...merged);
  if (merged.length === 0 || largest <= 0) return '';
  return merged
    .map(
      (count) =>
        bars[Math.min(bars.length - 1, Math.floor(Math.sqrt(count / largest) * (bars.length - 1e-9)))],
    )
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
