import { type Dimension, intAttribute } from '../../model.js';
import { concreteShape, positiveAxis, product, type Shape } from '../dimensions.js';
import { type Fact, knownFact, tensorFact } from '../facts.js';
import {
  axisWithin,
  elementOf,
  type InferRule,
  like,
  listOf,
  type NodeView,
  numbersOf,
  type RuleEntries,
  shapeOf,
  valueOf,
} from '../rule.js';

function reducedShape(view: NodeView): Shape {
  const shape = shapeOf(view, 0);
  const axes = listOf(view, 'axes', 1);
  const keeps = intAttribute(view.node, 'keepdims', 1) !== 0;
  if (shape === null) return null;
  if (axes === 'unknown') return keeps ? shape.map(() => null) : null;
  const isNone = axes === 'absent' || axes.length === 0;
  if (isNone && intAttribute(view.node, 'noop_with_empty_axes', 0) !== 0) return shape;
  const reduced = isNone
    ? new Set(shape.keys())
    : new Set(axes.map((axis) => positiveAxis(axis, shape.length)));
  const sizes = shape.map((size, axis): Dimension => (reduced.has(axis) ? 1 : size));
  return keeps ? sizes : sizes.filter((_, axis) => !reduced.has(axis));
}

function totalOf(view: NodeView): number | string | null | undefined {
  const value = valueOf(view, 0);
  if (value === undefined) return undefined;
  if (view.node.opType === 'ReduceProd') return product(value.entries);
  const numbers = numbersOf(view, 0);
  if (numbers === undefined || numbers.length === 0) return undefined;
  if (view.node.opType === 'ReduceSum') return numbers.reduce((a, b) => a + b, 0);
  if (view.node.opType === 'ReduceMax') return Math.max(...numbers);
  return view.node.opType === 'ReduceMin' ? Math.min(...numbers) : undefined;
}

const reduction: InferRule = (view) => {
  const shape = reducedShape(view);
  const dims = concreteShape(shape);
  const total = dims !== undefined && dims.every((size) => size === 1) ? totalOf(view) : undefined;
  if (dims === undefined || total === undefined) return [like(view, 0, shape)];
  return [knownFact(elementOf(view, 0), { dims, entries: [total] })];
};

/** Position of the largest or smallest element along one axis. */
const position: InferRule = (view) => {
  const shape = shapeOf(view, 0);
  const axis = axisWithin(intAttribute(view.node, 'axis', 0), shape);
  if (shape === null || axis === undefined) return [tensorFact('int64', null)];
  const keeps = intAttribute(view.node, 'keepdims', 1) !== 0;
  const sizes = shape.flatMap((size, i): Dimension[] => (i !== axis ? [size] : keeps ? [1] : []));
  return [tensorFact('int64', sizes)];
};

const loss: InferRule = (view) => {
  const kind = view.node.attributes.get('reduction');
  const isNone = kind?.kind === 'string' && kind.value === 'none';
  const outputs: Fact[] = [like(view, 0, isNone ? shapeOf(view, 1) : []), like(view, 0, shapeOf(view, 0))];
  return outputs;
};

/** Reductions over axes and losses. */
export const reductionRules: RuleEntries = [
  ['ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd', reduction],
  ['ReduceSum ReduceSumSquare', reduction],
  ['ArgMax ArgMin', position],
  ['NegativeLogLikelihoodLoss SoftmaxCrossEntropyLoss', loss],
];
