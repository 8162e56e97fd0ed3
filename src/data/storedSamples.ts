import type { RawSample, SampleSource } from './sampleSource.js';

/**
 * Yields samples by their indices, once each; in their order where the format allows it, else as they stand in the file,
 * which is read as far as the last of them.
 */
export async function* storedSamples(
  source: SampleSource,
  indices: readonly number[],
  signal?: AbortSignal,
): AsyncGenerator<RawSample> {
  const wanted = new Set(indices);
  if (wanted.size === 0) return;
  if (source.isRandomAccess) {
    yield* source.samples({ kind: 'order', order: Uint32Array.from(wanted) }, signal);
    return;
  }
  const end = Math.max(...wanted) + 1;
  for await (const sample of source.samples({ kind: 'range', start: 0, end }, signal)) {
    if (wanted.has(sample.index)) yield sample;
  }
}
