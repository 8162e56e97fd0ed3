import { edgesOf } from '../../engine/numeric/histogram.js';
import type { TensorValue } from '../../onnx/tensorValue.js';
import type { Evidence } from '../../protocol/report.js';
import type { ResultArray } from '../analysis.js';
import type { Distribution } from './distribution.js';
import { unitStates } from './states.js';
import { variancesOf } from './unitStatistics.js';
import type { HealthFigures, LayerFigures } from './layerFigures.js';

/** What numbers stand for that are no measurements, so that a reader of the arrays needs no source code. */
const codes: Readonly<Record<string, string>> = {
  state: unitStates.map((state, code) => `${code} ${state}`).join(', '),
  topExamples: 'sample indices, largest output first; -1: none',
};

/**
 * Returns the arrays of every layer by `LAYER.NAME`, one entry per unit: float64, but `state` (uint8 codes, see
 * `unitStates`) and `topExamples` (int32 sample indices `[U, k]`, −1 where there is none).
 */
export function unitArrays(figures: HealthFigures, evidence: Evidence): Record<string, ResultArray> {
  const arrays: Record<string, ResultArray> = {};
  for (const layer of figures.layers) {
    for (const [name, value] of Object.entries(arraysOfLayer(layer))) {
      const how = codes[name];
      const noted = how === undefined ? evidence : { ...evidence, how };
      arrays[`${layer.swept.target.layer}.${name}`] = { value, evidence: noted };
    }
  }
  return arrays;
}

/**
 * Returns the histogram of every unit, `LAYER.histogram` `[U, bins]`, between `LAYER.histogramEdges` `[bins + 1]`, which are
 * those of the layer; float64. A number on an inner edge is in the bin below it. Layers without a histogram have neither.
 */
export function histogramArrays(distributions: readonly Distribution[]): Record<string, ResultArray> {
  const arrays: Record<string, ResultArray> = {};
  for (const { target, histogram, unitCounts, sampleCount } of distributions) {
    const binCount = histogram.counts.length;
    const edges = Float64Array.from(edgesOf(histogram));
    const evidence = { kind: 'sampled', n: sampleCount, how: 'the first samples, second pass' } as const;
    arrays[`${target.layer}.histogram`] = {
      value: { dtype: 'float64', dims: [target.unitCount, binCount], data: unitCounts },
      evidence,
    };
    arrays[`${target.layer}.histogramEdges`] = {
      value: { dtype: 'float64', dims: [binCount + 1], data: edges },
      evidence,
    };
  }
  return arrays;
}

function arraysOfLayer(layer: LayerFigures): Record<string, TensorValue> {
  const { statistics } = layer.swept;
  const { unitCount, elementCount, sampleCount, top } = statistics;
  const perElement = (counts: Float64Array): Float64Array => counts.map((count) => count / elementCount);
  const vector = (data: Float64Array): TensorValue => ({ dtype: 'float64', dims: [unitCount], data });
  return {
    maximum: vector(statistics.maximum.slice()),
    minimum: vector(statistics.minimum.slice()),
    mean: vector(perElement(statistics.sum)),
    variance: vector(variancesOf(statistics)),
    activeCount: vector(statistics.positiveCount.slice()),
    elementCount: vector(new Float64Array(unitCount).fill(elementCount)),
    activeFraction: vector(perElement(statistics.positiveCount)),
    nonZeroFraction: vector(perElement(statistics.nonZeroCount)),
    activeSampleCount: vector(statistics.activeSampleCount.slice()),
    activeSampleFraction: vector(statistics.activeSampleCount.map((count) => count / sampleCount)),
    state: { dtype: 'uint8', dims: [unitCount], data: layer.states },
    topExamples: { dtype: 'int32', dims: [unitCount, top.k], data: Int32Array.from(top.ids) },
  };
}
