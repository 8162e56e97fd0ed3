import { floatAttribute, stringAttribute, type ValueType } from '../../../onnx/model.js';
import { boundUnsupported } from '../boundErrors.js';
import type { Interval, IntervalContext, IntervalRule } from '../intervalRule.js';

/** Replays the node on the lower and on the upper ends. */
export function replayEnds({ operands, replay }: IntervalContext): readonly Interval[] {
  const lower = replay(operands.map((operand) => operand.lower));
  const upper = replay(operands.map((operand) => operand.upper));
  return lower.map((name, i) => ({ lower: name, upper: upper[i] ?? name }));
}

/** Operators that grow with each element of each float operand, and those that only move elements. */
const growing: IntervalRule = {
  opTypes: [
    ...['Identity', 'Relu', 'Sigmoid', 'Tanh', 'Softplus', 'Softsign', 'Exp', 'Log', 'Sqrt', 'Erf', 'Atan'],
    ...[
      'Asin',
      'Sinh',
      'Asinh',
      'Atanh',
      'Elu',
      'Selu',
      'Celu',
      'LeakyRelu',
      'ThresholdedRelu',
      'HardSigmoid',
    ],
    ...['Clip', 'Floor', 'Ceil', 'Round', 'Sign', 'Cast', 'CastLike', 'Dropout'],
    ...['Add', 'Sum', 'Mean', 'Max', 'Min', 'CumSum'],
    ...['ReduceSum', 'ReduceMean', 'ReduceMax', 'ReduceMin', 'ReduceLogSumExp'],
    ...['MaxPool', 'AveragePool', 'GlobalMaxPool', 'GlobalAveragePool'],
    ...['Reshape', 'Flatten', 'Squeeze', 'Unsqueeze', 'Transpose', 'Expand', 'Tile', 'Trilu'],
    ...['Concat', 'Split', 'Slice', 'Pad', 'Gather', 'GatherElements', 'GatherND'],
    ...['DepthToSpace', 'SpaceToDepth', 'ScatterElements', 'ScatterND', 'TopK'],
  ],
  bound(context) {
    refuseOtherForms(context);
    return replayEnds(context);
  },
};

/** Forms of these operators that do not grow with their operands. */
function refuseOtherForms(context: IntervalContext): void {
  const { node, typeOf, constantOf } = context;
  // Which elements are moved where must not depend on the input; sizes, indices and conditions are no floats.
  node.inputs.forEach((name, i) => {
    if (!isFloat(typeOf(name)) && !context.isExact(i)) {
      throw boundUnsupported(node, `operand ${String(i)} that depends on the input`);
    }
  });
  if (node.opType === 'Cast' && !isFloat(typeOf(node.outputs[0] ?? ''))) {
    throw boundUnsupported(node, 'a result that is no float');
  }
  const reduction = stringAttribute(node, 'reduction', 'none');
  if (reduction === 'mul') throw boundUnsupported(node, 'reduction=mul');
  for (const name of ['alpha', 'gamma']) {
    if (floatAttribute(node, name, 1) < 0) throw boundUnsupported(node, `a negative ${name}`);
  }
  const training = node.opType === 'Dropout' ? (node.inputs[2] ?? '') : '';
  if (training !== '' && Number(constantOf(training)?.data[0] ?? 1) !== 0) {
    throw boundUnsupported(node, 'training_mode that is not constantly false');
  }
}

function isFloat(type: ValueType): boolean {
  return type.kind !== 'tensor' || type.elementType.includes('float');
}

const falling: IntervalRule = {
  opTypes: ['Neg', 'Acos'],
  bound(context) {
    const [ends] = replayEnds(context);
    return ends === undefined ? [] : [{ lower: ends.upper, upper: ends.lower }];
  },
};

/** a − b grows with a and falls with b. */
const difference: IntervalRule = {
  opTypes: ['Sub'],
  bound({ emit, operands: [a, b] }) {
    if (a === undefined || b === undefined) return [];
    return [{ lower: emit.sub(a.lower, b.upper), upper: emit.sub(a.upper, b.lower) }];
  },
};

/** Where the condition depends on the input, the result is one of the two. */
const choice: IntervalRule = {
  opTypes: ['Where'],
  bound(context) {
    const { emit, operands } = context;
    const [, a, b] = operands;
    if (a === undefined || b === undefined) return [];
    if (context.isExact(0)) return replayEnds(context);
    return [{ lower: emit.node('Min', [a.lower, b.lower]), upper: emit.node('Max', [a.upper, b.upper]) }];
  },
};

/** Rules of operators that grow or fall with their operands. */
export const monotoneRules: readonly IntervalRule[] = [growing, falling, difference, choice];
