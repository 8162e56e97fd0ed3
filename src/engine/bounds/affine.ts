import type { GraphNode } from '../../onnx/model.js';

/** Affine in all operands together. */
const inAll = [
  ...['Identity', 'Neg', 'Add', 'Sub', 'Sum', 'Mean', 'Concat', 'ReduceSum', 'ReduceMean', 'CumSum'],
  ...['AveragePool', 'GlobalAveragePool', 'Reshape', 'Flatten', 'Squeeze', 'Unsqueeze', 'Transpose'],
  ...['Expand', 'Tile', 'Trilu', 'Split', 'Slice', 'Pad', 'Gather', 'GatherElements', 'GatherND'],
  ...['DepthToSpace', 'SpaceToDepth', 'Dropout'],
];

/** Affine in some operands together, the others known. */
const inSome: readonly (readonly [opType: string, operands: readonly number[]])[] = [
  ['Conv', [0]],
  ['ConvTranspose', [0]],
  ['BatchNormalization', [0]],
  ['Div', [0]],
  ['Gemm', [0, 2]],
  ['Where', [1, 2]],
];

/** Affine in either operand alone. */
const inOne = ['Mul', 'MatMul', 'Gemm'];

const all = new Set(inAll);
const some = new Map(inSome);
const one = new Set(inOne);

/** Returns whether a node is affine in its bounded operands. */
export function isAffine({ domain, opType }: GraphNode, bounded: readonly number[]): boolean {
  if (domain !== '') return false;
  if (all.has(opType) || (one.has(opType) && bounded.length <= 1)) return true;
  const operands = some.get(opType);
  return operands !== undefined && bounded.every((index) => operands.includes(index));
}
