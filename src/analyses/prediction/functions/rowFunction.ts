import type { Evidence } from '../../../protocol/report.js';
import type { Features } from '../features/features.js';

/**
 * What is done to a feature of a row: it is set `to` a number, or taken from another row.
 *
 * A feature of several elements is multiplied by the number instead: 0 leaves nothing of it, 1 all.
 */
export type Change =
  { readonly feature: number; readonly to: number } | { readonly feature: number; readonly from: number };

/** Rows with changes made to them. */
export interface ChangedRows {
  readonly count: number;
  rowOf(point: number): number;
  changesOf(point: number): readonly Change[];
}

/** One number of the model as a function f of the features of a row. */
export interface RowFunction {
  readonly rowCount: number;
  readonly rowNames: readonly string[];
  readonly features: Features;
  /** What f is, in words. */
  readonly explained: string;
  readonly warnings: readonly string[];
  readonly evidence: Evidence;
  /** Elements of each feature. */
  readonly elementCounts: readonly number[];
  /** The element of a feature in a row; the mean of its elements where it has several. */
  valueOf(feature: number, row: number): number;
  /** Announces how many points will be evaluated, for the progress bar. */
  expect(pointCount: number): void;
  /** Returns f at every point. */
  evaluate(points: ChangedRows): Promise<Float64Array>;
  close(): Promise<void>;
}

/** Elements by feature, of one tensor of a row. */
export type ElementsOf = readonly Int32Array[];

/** Returns which elements of a tensor each feature has, from the feature of every element. */
export function elementsByFeature(ids: Int32Array, featureCount: number): ElementsOf {
  const lists = Array.from({ length: featureCount }, (): number[] => []);
  for (const [element, id] of ids.entries()) lists[id]?.push(element);
  return lists.map((list) => Int32Array.from(list));
}

/** Makes changes to a row's tensor, in place. */
export function applyChanges(
  target: Float32Array,
  changes: readonly Change[],
  parts: {
    readonly elements: ElementsOf;
    readonly elementCounts: readonly number[];
    /** The tensor in another row. */
    rowOf(row: number): Float32Array;
  },
): void {
  for (const change of changes) {
    const elements = parts.elements[change.feature] ?? new Int32Array();
    if ('from' in change) {
      const other = parts.rowOf(change.from);
      for (const element of elements) target[element] = other[element] ?? NaN;
    } else if (parts.elementCounts[change.feature] === 1) {
      for (const element of elements) target[element] = change.to;
    } else {
      for (const element of elements) target[element] = (target[element] ?? NaN) * change.to;
    }
  }
}
