import { UserError } from '../../../base/errors.js';
import { dataTypeFacts } from '../../../onnx/dataTypes.js';
import type { Layer } from '../../../onnx/layers/layer.js';
import { layersOf } from '../../../onnx/layers/layerTable.js';
import type { Model } from '../../../onnx/model.js';
import { type TensorValue, toFloat64 } from '../../../onnx/tensorValue.js';
import type { AnalysisContext } from '../../analysis.js';
import { readValues } from '../attribution/readValues.js';
import type { Rows } from '../attribution/rows.js';
import type { RowFeatures } from './votes.js';

/** A place that features are read at. */
export type FeatureLayer = Pick<Layer, 'name' | 'output' | 'unitAxis'>;

/** Returns the layers of the main graph that have units, in file order; scopes repeat what they hold and are left out. */
export function featureLayers(model: Model): FeatureLayer[] {
  return layersOf(model).layers.filter(
    ({ kind, isInBody, unitAxis }) => kind !== 'scope' && !isInBody && unitAxis !== null,
  );
}

/**
 * Returns the layer that a setting names; by default the last before the one that gives the answer.
 *
 * @throws UserError `unknown-layer`.
 */
export function chooseLayer(layers: readonly FeatureLayer[], wanted: string | null): FeatureLayer {
  const found =
    wanted === null ? (layers.at(-2) ?? layers.at(-1)) : layers.find(({ name }) => name === wanted);
  if (found !== undefined) return found;
  throw new UserError(
    'unknown-layer',
    `${wanted === null ? 'The model has no layer with units' : `layer=${wanted} is no layer with units`}, so there are no features to compare. Its layers are ${layers.map(({ name }) => name).join(', ')}.`,
    { detail: { layer: wanted } },
  );
}

/**
 * Returns the features of every row at a layer: one number a unit, the mean over its positions. Undefined where the layer's
 * first axis does not count rows, or it holds no real numbers.
 */
export async function featuresAt(
  context: AnalysisContext,
  rows: Rows,
  layer: FeatureLayer,
): Promise<RowFeatures | undefined> {
  try {
    const value = (await readValues(context, rows, [layer.output])).get(layer.output);
    return value === undefined ? undefined : pooled(value, layer.unitAxis ?? 1);
  } catch (error) {
    if (error instanceof UserError && error.code === 'rows-not-first') return undefined;
    throw error;
  }
}

function pooled(value: TensorValue, axis: number): RowFeatures | undefined {
  const { dims } = value;
  const [rowCount = 0] = dims;
  const unitAxis = axis < 0 ? axis + dims.length : axis;
  const unitCount = dims[unitAxis];
  if (!dataTypeFacts(value.dtype).isFloat || unitAxis < 1 || unitCount === undefined) return undefined;
  const elements = toFloat64(value);
  const size = elements.length / rowCount;
  const inner = dims.slice(unitAxis + 1).reduce((product, dim) => product * dim, 1);
  const positionCount = size / unitCount;
  return Array.from({ length: rowCount }, (_, row) => {
    const own = new Float64Array(unitCount);
    for (let i = 0; i < size; i++) {
      const unit = Math.floor(i / inner) % unitCount;
      own[unit] = (own[unit] ?? 0) + (elements[row * size + i] ?? NaN) / positionCount;
    }
    return own;
  });
}
