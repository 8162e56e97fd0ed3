import { maxAbs, sumOf } from '../../../engine/numeric/vectors.js';
import { float32Tensor, int64Tensor, type TensorValue } from '../../../onnx/tensorValue.js';
import type { Evidence } from '../../../protocol/report.js';
import type { ResultArray } from '../../analysis.js';
import { type Features, openFeatures } from '../features/features.js';
import { emptyScores } from './points.js';
import type { Attributions, Problem } from './problem.js';
import { rowEvidence } from './rows.js';
import { featureShareChart } from './report/featureShares.js';

/** Returns the features of a problem's rows. */
export function featuresOf(problem: Problem, defaultCount?: number): Promise<Features> {
  const { inputs, settings, rows, columnNames } = problem;
  return openFeatures(inputs, settings, {
    rowCount: rows.count,
    columnNames,
    ...(defaultCount === undefined ? {} : { defaultCount }),
  });
}

/** A share per feature of every row, and how sure it is. */
export interface FeatureShares {
  /** One array per row. */
  readonly shares: readonly Float64Array[];
  readonly standardErrors?: readonly Float64Array[];
  /** How the shares came about; default: measured on the rows. */
  readonly evidence?: Evidence;
  readonly isComplete: boolean;
  readonly notes?: readonly string[];
}

/**
 * Returns shares of features as scores of elements: every element of a feature bears the whole share, so that patches of
 * unequal size compare. `featureAttribution` holds the shares themselves, `featureIds` which elements they are of.
 */
export function spreadShares(problem: Problem, features: Features, found: FeatureShares): Attributions {
  const { inputs, rows } = problem;
  const spread = (values: readonly Float64Array[]) =>
    inputs.map((input, coordinate) => {
      const scores = emptyScores(input, rows.count);
      for (let row = 0; row < rows.count; row++) {
        const target = scores.row(row);
        const ids = features.idsOf(row, coordinate);
        for (let i = 0; i < target.length; i++) target[i] = values[row]?.[ids[i] ?? -1] ?? 0;
      }
      return { name: scores.name, dims: scores.dims, data: scores.data };
    });
  const evidence: Evidence = found.evidence ?? rowEvidence(rows);
  const { standardErrors, shares } = found;
  return {
    scores: spread(shares),
    isComplete: found.isComplete,
    totals: Float64Array.from(shares, sumOf),
    evidence,
    ...(standardErrors === undefined
      ? {}
      : { metrics: { maxStandardError: Math.max(...standardErrors.map(maxAbs)) } }),
    arrays: featureArrays(problem, features, { ...found, evidence }),
    blocks: features.areElements ? [] : [featureShareChart(features, shares, standardErrors)],
    notes: [`Features of ${features.note}`, ...(found.notes ?? [])],
  };
}

function featureArrays(
  { inputs, rows }: Problem,
  features: Features,
  found: FeatureShares & { readonly evidence: Evidence },
): Record<string, ResultArray> {
  const { shares, standardErrors, evidence } = found;
  const arrays: Record<string, ResultArray> = {
    featureAttribution: { value: padded(shares, features.maxCount), evidence },
  };
  if (standardErrors !== undefined) {
    arrays['featureStandardError'] = { value: padded(standardErrors, features.maxCount), evidence };
  }
  if (features.areElements) return arrays;
  const rowIndices = features.areSameInAllRows ? [0] : Array.from({ length: rows.count }, (_, row) => row);
  for (const [coordinate, { name, dims }] of inputs.entries()) {
    const ids = rowIndices.flatMap((row) => [...features.idsOf(row, coordinate)]);
    arrays[inputs.length === 1 ? 'featureIds' : `featureIds.${name}`] = {
      value: int64Tensor(ids, [rowIndices.length, ...dims]),
      evidence: rowEvidence(rows),
    };
  }
  return arrays;
}

/** Rows with fewer features than others end in NaN. */
function padded(values: readonly Float64Array[], count: number): TensorValue {
  const data = new Float32Array(values.length * count).fill(NaN);
  for (const [row, row0] of values.entries()) data.set(row0, row * count);
  return float32Tensor(data, [values.length, count]);
}
