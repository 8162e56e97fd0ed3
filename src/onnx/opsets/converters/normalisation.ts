import { type Dimension, floatAttribute, type GraphNode, intAttribute } from '../../model.js';
import { float32Tensor } from '../../tensorValue.js';
import {
  type Converted,
  type Converter,
  elementTypeOf,
  int,
  newNode,
  notConvertible,
  shapeOf,
  type VersionChange,
  withAttribute,
  withoutAttributes,
} from '../converter.js';

// Softmax, LogSoftmax, Hardmax: before opset 13 all axes from `axis` on were one

/** The one axis that the flattened axes come down to, when the others among them have size 1. */
function singleAxis(shape: readonly Dimension[] | undefined, axis: number): number | undefined {
  if (shape === undefined) return axis === -1 ? -1 : undefined;
  const from = axis < 0 ? axis + shape.length : axis;
  const wide = shape.flatMap((size, i) => (i >= from && size !== 1 ? [i] : []));
  if (from === shape.length - 1 || wide.length === 0) return shape.length - 1;
  return wide.length === 1 ? wide[0] : undefined;
}

const alongAxes: Converter = (node, context): Converted => {
  const [data = ''] = node.inputs;
  const [output = ''] = node.outputs;
  const axis = intAttribute(node, 'axis', 1);
  const single = singleAxis(shapeOf(context, data), axis);
  if (single !== undefined) return { node: withAttribute(node, 'axis', int(single)) };
  const [shape, rows, result] = ['shape', 'rows', 'result'].map((part) =>
    context.freshName(`${output}/${part}`),
  );
  if (shape === undefined || rows === undefined || result === undefined) {
    throw new Error('Three names were asked for.');
  }
  return {
    before: [
      newNode('Shape', { inputs: [data], output: shape }),
      newNode('Flatten', { inputs: [data], output: rows, attributes: { axis: int(axis) } }),
    ],
    node: { ...withAttribute(node, 'axis', int(-1)), inputs: [rows], outputs: [result] },
    after: [newNode('Reshape', { inputs: [result, shape], output })],
  };
};

// BatchNormalization

const inferenceForm: Converter = (node) => withoutAttributes(node, 'is_test', 'consumed_inputs');

/** Statistics per element instead of per channel: y = (x − mean) / √(var + ε) · scale + bias. */
const perElement: Converter = (node, context) => {
  const isSpatial = intAttribute(node, 'spatial', 1) !== 0;
  const plain = withoutAttributes(node, 'spatial');
  if (isSpatial) return plain;
  const [x = '', scale = '', bias = '', mean = '', variance = ''] = node.inputs;
  const [output = '', ...others] = node.outputs;
  if (others.some((name) => name !== '' && context.isUsed(name))) {
    throw notConvertible(node, context.opset, 'its statistics are read, and they are per element');
  }
  const before: GraphNode[] = [];
  const step = (opType: string, inputs: readonly string[]): string => {
    const name = context.freshName(`${output}/${opType.toLowerCase()}`);
    before.push(newNode(opType, { inputs, output: name }));
    return name;
  };
  const epsilon = context.constant(float32Tensor([floatAttribute(node, 'epsilon', 1e-5)], []));
  const isFloat = elementTypeOf(context, x) === 'float32';
  const spread = step('Add', [variance, isFloat ? epsilon : step('CastLike', [epsilon, x])]);
  const normalised = step('Div', [step('Sub', [x, mean]), step('Sqrt', [spread])]);
  const scaled = step('Mul', [normalised, scale]);
  const sum: GraphNode = {
    ...newNode('Add', { inputs: [scaled, bias], output }),
    name: node.name,
    metadata: node.metadata,
  };
  return { before, node: sum };
};

/** From opset 14 on, mean and variance of the batch are returned in training mode only, and two outputs are gone. */
const statisticsOutputs: Converter = (node, context) => {
  const isRead = (index: number): boolean => {
    const name = node.outputs[index];
    return name !== undefined && name !== '' && context.isUsed(name);
  };
  if (isRead(3) || isRead(4)) {
    throw notConvertible(
      node,
      context.opset,
      'its outputs saved_mean and saved_var are read, and no longer exist',
    );
  }
  if (!isRead(1) && !isRead(2)) return { ...node, outputs: node.outputs.slice(0, 1) };
  return withAttribute({ ...node, outputs: node.outputs.slice(0, 3) }, 'training_mode', int(1));
};

// MeanVarianceNormalization: before opset 9 an experimental operator on [N, C, H, W], whose
// statistics the runtime takes over the batch as well

const meanVariance: Converter = (node, context) => {
  const axes = intAttribute(node, 'across_channels', 0) === 0 ? [0, 2, 3] : [0, 1, 2, 3];
  const plain = withoutAttributes(node, 'across_channels', 'normalize_variance');
  const axesAttribute = { kind: 'ints', value: axes.map(BigInt) } as const;
  if (intAttribute(node, 'normalize_variance', 1) !== 0) return withAttribute(plain, 'axes', axesAttribute);
  const [data = ''] = node.inputs;
  const mean = context.freshName(`${node.outputs[0] ?? ''}/mean`);
  return {
    before: [newNode('ReduceMean', { inputs: [data], output: mean, attributes: { axes: axesAttribute } })],
    node: { ...withoutAttributes(plain, 'axes'), opType: 'Sub', inputs: [data, mean] },
  };
};

/** Version changes of normalisations. */
export const normalisation: readonly VersionChange[] = [
  { operators: 'Hardmax LogSoftmax Softmax', version: 13, convert: alongAxes },
  { operators: 'BatchNormalization', version: 7, convert: inferenceForm },
  { operators: 'BatchNormalization', version: 9, convert: perElement },
  { operators: 'BatchNormalization', version: 14, convert: statisticsOutputs },
  { operators: 'MeanVarianceNormalization', version: 9, convert: meanVariance },
];
