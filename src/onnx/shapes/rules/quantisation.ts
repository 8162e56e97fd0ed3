import { dataTypeOfCode } from '../../dataTypes.js';
import { intAttribute } from '../../model.js';
import { broadcastShapes, positiveAxis, type Shape } from '../dimensions.js';
import { tensorFact } from '../facts.js';
import {
  elementOf,
  hasInput,
  type InferRule,
  like,
  type NodeView,
  type RuleEntries,
  shapeOf,
} from '../rule.js';

const quantise: InferRule = (view) => {
  const code = intAttribute(view.node, 'output_dtype', 0);
  const given = hasInput(view, 2) ? elementOf(view, 2) : 'uint8';
  return [tensorFact(code === 0 ? given : dataTypeOfCode(code), shapeOf(view, 0))];
};

const dequantise: InferRule = (view) => {
  const code = intAttribute(view.node, 'output_dtype', 0);
  // Before opset 19 scales and results are float32.
  const scale = elementOf(view, 1) === 'undefined' ? 'float32' : elementOf(view, 1);
  return [tensorFact(code === 0 ? scale : dataTypeOfCode(code), shapeOf(view, 0))];
};

const dynamic: InferRule = (view) => [
  tensorFact('uint8', shapeOf(view, 0)),
  tensorFact('float32', []),
  tensorFact('uint8', []),
];

/** Inputs in triples: value, scale, zero point. */
const binary: InferRule = (view) => [like(view, 0, broadcastShapes([shapeOf(view, 0), shapeOf(view, 3)]))];

const unary: InferRule = (view) => [like(view, 0, shapeOf(view, 0))];

const globalPooling: InferRule = (view) => {
  const isLast = intAttribute(view.node, 'channels_last', 0) !== 0;
  const shape = shapeOf(view, 0);
  const keeps = (axis: number): boolean => axis === 0 || axis === (isLast ? (shape?.length ?? 0) - 1 : 1);
  return [like(view, 0, shape?.map((size, axis) => (keeps(axis) ? size : 1)) ?? null)];
};

/** Scale and zero point of the output come first, then the inputs in triples. */
const concatenation: InferRule = (view) => {
  const shapes: Shape[] = [];
  for (let i = 2; i < view.inputs.length; i += 3) shapes.push(shapeOf(view, i));
  return [like(view, 2, alongAxis(view, shapes))];
};

function alongAxis(view: NodeView, shapes: readonly Shape[]): Shape {
  const [first = null] = shapes;
  if (first === null) return null;
  const axis = positiveAxis(intAttribute(view.node, 'axis', 1), first.length);
  const sizes = shapes.map((shape) => shape?.[axis]);
  const total = sizes.every((size) => typeof size === 'number') ? sizes.reduce((a, b) => a + b, 0) : null;
  return first.map((size, i) => (i === axis ? total : size));
}

/** Quantisation, and operators on quantised tensors of com.microsoft. */
export const quantisationRules: RuleEntries = [
  ['QuantizeLinear com.microsoft:QuantizeLinear', quantise],
  ['DequantizeLinear com.microsoft:DequantizeLinear', dequantise],
  ['DynamicQuantizeLinear', dynamic],
  ['com.microsoft:QLinearAdd com.microsoft:QLinearMul', binary],
  ['com.microsoft:QLinearSigmoid com.microsoft:QLinearLeakyRelu com.microsoft:QLinearSoftmax', unary],
  ['com.microsoft:QLinearGlobalAveragePool', globalPooling],
  ['com.microsoft:QLinearConcat', concatenation],
];
