import { symmetricEigenvalues } from '../../../engine/numeric/symmetricEigenvalues.js';
import type { EmbeddingTable } from './tables.js';

/** Wider tables take minutes: the cost is cubic in the width. */
const maxWidth = 512;

/** Singular values below this share of the largest are rounding of float32 tables. */
const rankTolerance = 1e-5;

/** How many directions a table uses. */
export interface Spectrum {
  /** Largest first. */
  readonly singularValues: Float64Array;
  /** exp of the entropy of the singular values scaled to sum to 1. */
  readonly effectiveRank: number;
  /** Singular values above 1e-5 of the largest. */
  readonly rank: number;
}

/**
 * Returns the singular values of a table, not centred, from the eigenvalues of WᵀW; undefined for tables wider than 512.
 *
 * Effective rank: exp(−Σ p ln p), p = σ / Σσ. It is k for k equal singular values, and less than the rank otherwise.
 *
 * Source: Roy & Vetterli (2007), "The effective rank: A measure of effective dimensionality".
 */
export function spectrumOf({ elements, rowCount, width }: EmbeddingTable): Spectrum | undefined {
  if (width > maxWidth) return undefined;
  const gram = new Float64Array(width * width);
  for (let row = 0; row < rowCount; row++) {
    const vector = elements.subarray(row * width, (row + 1) * width);
    for (let i = 0; i < width; i++) {
      const factor = vector[i] ?? 0;
      for (let j = 0; j < width; j++) {
        gram[i * width + j] = (gram[i * width + j] ?? 0) + factor * (vector[j] ?? 0);
      }
    }
  }
  const singularValues = symmetricEigenvalues(gram, width).map((value) => Math.sqrt(Math.max(0, value)));
  const [largest = 0] = singularValues;
  const kept = singularValues.filter((value) => value > rankTolerance * largest);
  const total = kept.reduce((sum, value) => sum + value, 0);
  const entropy = kept.reduce((sum, value) => sum - (value / total) * Math.log(value / total), 0);
  return { singularValues, effectiveRank: kept.length === 0 ? 0 : Math.exp(entropy), rank: kept.length };
}

/** Returns the length of each row. */
export function rowNorms({ elements, rowCount, width }: EmbeddingTable): Float64Array {
  return Float64Array.from({ length: rowCount }, (_, row) =>
    Math.hypot(...elements.subarray(row * width, (row + 1) * width)),
  );
}

/** Returns the rows whose cosine with a row is largest, itself left out. */
export function nearestRows(
  table: EmbeddingTable,
  norms: Float64Array,
  { row, count }: { readonly row: number; readonly count: number },
): { readonly row: number; readonly cosine: number }[] {
  const { elements, rowCount, width } = table;
  const own = elements.subarray(row * width, (row + 1) * width);
  const found = Array.from({ length: rowCount }, (_, other) => {
    let dot = 0;
    for (let i = 0; i < width; i++) dot += (own[i] ?? 0) * (elements[other * width + i] ?? 0);
    return { row: other, cosine: dot / Math.max(Number.MIN_VALUE, (norms[row] ?? 0) * (norms[other] ?? 0)) };
  });
  return found
    .filter((one) => one.row !== row)
    .sort((a, b) => b.cosine - a.cosine || a.row - b.row)
    .slice(0, count);
}
