import { indexGraph } from '../../../onnx/graphIndex.js';
import { type Constant, constantsOf } from '../../../onnx/layers/constants.js';
import type { Layer } from '../../../onnx/layers/layer.js';
import { type GraphNode, intsAttribute, type Model } from '../../../onnx/model.js';
import type { TypeTable } from '../../../onnx/shapes/typeTable.js';
import { toFloat64 } from '../../../onnx/tensorValue.js';
import type { Place } from './places.js';

/** Operators that are linear in their first operand, or in either, when all others are constant. */
const linearOperators = new Set([
  'Gemm',
  'MatMul',
  'Conv',
  'BatchNormalization',
  'Add',
  'Sub',
  'Mul',
  'Div',
  'Flatten',
  'Reshape',
  'Squeeze',
  'Unsqueeze',
  'Transpose',
  'Identity',
  'Dropout',
  'Cast',
]);

/**
 * Returns the maps whose global average is turned into the explained value by linear operators only; undefined where the
 * model does not end that way.
 */
export function pooledMaps(
  model: Model,
  types: TypeTable,
  { before, layers }: { readonly before: string; readonly layers: readonly Layer[] },
): Place | undefined {
  const index = indexGraph(model.graph);
  const constants = constantsOf(model.graph);
  const seen = new Set<string>();
  for (let value = before; !seen.has(value);) {
    seen.add(value);
    const node = index.producerOf(value);
    if (node === undefined) return undefined;
    const [data = ''] = node.inputs.filter((input) => input !== '' && !constants.has(input));
    const unitAxis = pooledUnitAxis(node, types, constants);
    if (unitAxis !== undefined) {
      const layer = layers.findLast(({ output, isInBody }) => output === data && !isInBody);
      return { name: layer?.name ?? data, value: data, unitAxis };
    }
    if (!isLinear(node, constants)) return undefined;
    value = data;
  }
  return undefined;
}

function isLinear(node: GraphNode, constants: ReadonlyMap<string, Constant>): boolean {
  const variable = node.inputs.filter((input) => input !== '' && !constants.has(input));
  const isDivided = node.opType !== 'Div' || variable[0] === node.inputs[0];
  return linearOperators.has(node.opType) && variable.length === 1 && isDivided;
}

/** Returns the axis of the units that a node averages over all positions; undefined for other nodes. */
function pooledUnitAxis(
  node: GraphNode,
  types: TypeTable,
  constants: ReadonlyMap<string, Constant>,
): number | undefined {
  const [data = '', axesInput = ''] = node.inputs;
  const type = types.get(data);
  const shape = type?.kind === 'tensor' ? type.shape : null;
  if (shape === null || shape.length < 3) return undefined;
  switch (node.opType) {
    case 'GlobalAveragePool':
      return 1;
    case 'AveragePool': {
      const kernel = intsAttribute(node, 'kernel_shape') ?? [];
      return kernel.join() === shape.slice(2).join() ? 1 : undefined;
    }
    case 'ReduceMean': {
      const given = constants.get(axesInput)?.value;
      const axes = intsAttribute(node, 'axes') ?? (given === undefined ? [] : [...toFloat64(given)]);
      const reduced = new Set(axes.map((axis) => (axis < 0 ? axis + shape.length : axis)));
      const kept = shape.map((_, axis) => axis).filter((axis) => axis > 0 && !reduced.has(axis));
      return kept.length === 1 && !reduced.has(0) ? kept[0] : undefined;
    }
    default:
      return undefined;
  }
}
