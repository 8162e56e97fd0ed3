import { dataTypeOfCode } from '../../dataTypes.js';
import { intAttribute } from '../../model.js';
import { broadcastShapes } from '../dimensions.js';
import { tensorFact } from '../facts.js';
import { elementOf, type InferRule, like, type NodeView, type RuleEntries, shapeOf } from '../rule.js';
import { computed } from '../smallValues.js';

/** Output 0 has the type of input 0. */
export const sameAsFirst: InferRule = (view) => [view.inputs[0] && { type: view.inputs[0].type }];

/** Output 0 has the shape of input 0 and a fixed element type. */
export function shapedLikeFirst(elementType: 'bool' | 'int64' | 'float32'): InferRule {
  return (view) => [tensorFact(elementType, shapeOf(view, 0))];
}

const unary: InferRule = (view) => [withValue(view, like(view, 0, shapeOf(view, 0)))];

function withValue(view: NodeView, fact: ReturnType<typeof like>): ReturnType<typeof like> {
  const value = computed(view);
  return value === undefined ? fact : { ...fact, value };
}

// Before opset 7 the second operand is stretched along `axis` and the first one sets the shape.
function broadcastOf(view: NodeView): ReturnType<typeof shapeOf> {
  if (view.opset < 7 && view.node.domain === '' && view.inputs.length === 2) return shapeOf(view, 0);
  return broadcastShapes(view.inputs.map((_, i) => shapeOf(view, i)));
}

/** The shape of all inputs broadcast together, with the first one's element type. */
export const broadcast: InferRule = (view) => [withValue(view, like(view, 0, broadcastOf(view)))];

const comparison: InferRule = (view) => [withValue(view, tensorFact('bool', broadcastOf(view)))];

const where: InferRule = (view) => {
  const shape = broadcastShapes([shapeOf(view, 0), shapeOf(view, 1), shapeOf(view, 2)]);
  return [withValue(view, like(view, elementOf(view, 1) === 'undefined' ? 2 : 1, shape))];
};

const cast: InferRule = (view) => [
  withValue(view, tensorFact(dataTypeOfCode(intAttribute(view.node, 'to', 0)), shapeOf(view, 0))),
];

const castLike: InferRule = (view) => [withValue(view, like(view, 1, shapeOf(view, 0)))];

const dropout: InferRule = (view) => {
  const mask = view.opset >= 10 ? 'bool' : elementOf(view, 0);
  return [view.inputs[0], tensorFact(mask, shapeOf(view, 0))];
};

/** Output 0 shaped like input 0, with the element type of attribute `dtype` or, without it, input 0's. */
const typedLike: InferRule = (view) => {
  const code = intAttribute(view.node, 'dtype', 0);
  return [tensorFact(code === 0 ? elementOf(view, 0) : dataTypeOfCode(code), shapeOf(view, 0))];
};

/** Element by element operators, with and without broadcasting. */
export const elementwiseRules: RuleEntries = [
  ['Abs Ceil Floor Identity Neg Not Reciprocal Round Sign Sqrt', unary],
  ['Acos Acosh Asin Asinh Atan Atanh Cos Cosh Sin Sinh Tan Tanh Erf Exp Log BitwiseNot', sameAsFirst],
  ['Celu Clip Elu Gelu HardSigmoid HardSwish LeakyRelu Mish PRelu Relu Selu Shrink Sigmoid', sameAsFirst],
  ['Softplus Softsign Swish ThresholdedRelu ScaledTanh ParametricSoftplus Affine ImageScaler', sameAsFirst],
  ['Hardmax LogSoftmax Softmax LpNormalization LRN MeanVarianceNormalization', sameAsFirst],
  ['CumSum CumProd ReverseSequence Scatter ScatterElements ScatterND TensorScatter Trilu', sameAsFirst],
  ['IsInf IsNaN', shapedLikeFirst('bool')],
  ['Add Sub Mul Div Mod Max Min', broadcast],
  ['Pow Sum Mean BitShift BitwiseAnd BitwiseOr BitwiseXor StringConcat', broadcast],
  ['And Or Xor Equal Greater GreaterOrEqual Less LessOrEqual', comparison],
  ['Where', where],
  ['Cast', cast],
  ['CastLike', castLike],
  ['Dropout', dropout],
  ['Bernoulli EyeLike RandomNormalLike RandomUniformLike', typedLike],
  ['RegexFullMatch', shapedLikeFirst('bool')],
];
