import { type Dimension, intAttribute, stringAttribute } from '../../model.js';
import { broadcastDimension, broadcastShapes, product, type Shape, sum } from '../dimensions.js';
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

/** Returns the shape of a matrix product with numpy's rules for one and for more than two axes. */
export function matrixProductShape(a: Shape, b: Shape): Shape {
  if (a === null || b === null || a.length === 0 || b.length === 0) return null;
  const rows = a.length === 1 ? [] : [a[a.length - 2] ?? null];
  const columns = b.length === 1 ? [] : [b[b.length - 1] ?? null];
  const batch = broadcastShapes([a.slice(0, -2), b.slice(0, -2)]);
  return batch === null ? null : [...batch, ...rows, ...columns];
}

const matrixProduct: InferRule = (view) => [
  like(view, 0, matrixProductShape(shapeOf(view, 0), shapeOf(view, 1))),
];

const integerProduct: InferRule = (view) => [
  tensorFact('int32', matrixProductShape(shapeOf(view, 0), shapeOf(view, 1))),
];

const quantisedProduct: InferRule = (view) => [
  tensorFact(elementOf(view, 7), matrixProductShape(shapeOf(view, 0), shapeOf(view, 3))),
];

function gemmShape(view: NodeView, right: number): Shape {
  const a = shapeOf(view, 0);
  const b = shapeOf(view, right);
  const rows = a?.[intAttribute(view.node, 'transA', 0) === 0 ? 0 : 1] ?? null;
  const columns = b?.[intAttribute(view.node, 'transB', 0) === 0 ? 1 : 0] ?? null;
  return [rows, columns];
}

const gemm: InferRule = (view) => [like(view, 0, gemmShape(view, 1))];

/** Without a scale of the result the result is real. */
const quantisedGemm: InferRule = (view) => [
  tensorFact(hasInput(view, 7) ? elementOf(view, 8) : 'float32', gemmShape(view, 3)),
];

function swapped(shape: Shape, isSwapped: boolean): Shape {
  if (!isSwapped || shape === null || shape.length < 2) return shape;
  return [...shape.slice(0, -2), shape[shape.length - 1] ?? null, shape[shape.length - 2] ?? null];
}

const fusedProduct: InferRule = (view) => {
  const { node } = view;
  const isBatchSwapped = ['transBatchA', 'transBatchB'].some((name) => intAttribute(node, name, 0) !== 0);
  if (isBatchSwapped) return [like(view, 0, shapeOf(view, 0)?.map(() => null) ?? null)];
  const a = swapped(shapeOf(view, 0), intAttribute(node, 'transA', 0) !== 0);
  const b = swapped(shapeOf(view, 1), intAttribute(node, 'transB', 0) !== 0);
  return [like(view, 0, matrixProductShape(a, b))];
};

/** Products by weights packed in blocks: `[…, K]` to `[…, N]`. */
const packedProduct: InferRule = (view) => {
  const shape = shapeOf(view, 0);
  const columns = intAttribute(view.node, 'N', -1);
  return [like(view, 0, shape === null ? null : [...shape.slice(0, -1), columns < 0 ? null : columns])];
};

const floatProduct: InferRule = (view) => [
  tensorFact('float32', matrixProductShape(shapeOf(view, 0), shapeOf(view, 1))),
];

const determinant: InferRule = (view) => [like(view, 0, shapeOf(view, 0)?.slice(0, -2) ?? null)];

/** Letters of an Einsum's operands; `.` stands for each axis of an ellipsis. */
function einsumShape(view: NodeView): Shape {
  const equation = stringAttribute(view.node, 'equation', '').replaceAll(/\s/gu, '');
  const [left = '', right] = equation.split('->');
  const sizes = new Map<string, Dimension>();
  let ellipsis: Shape = [];
  for (const [i, term] of left.split(',').entries()) {
    const shape = shapeOf(view, i);
    if (shape === null) return null;
    const [before = '', after] = term.split('...');
    const inner = shape.slice(before.length, shape.length - (after?.length ?? 0));
    if (after !== undefined) ellipsis = broadcastShapes([ellipsis, inner]);
    const letters = lettersOf(before + (after ?? ''));
    const own =
      after === undefined ? shape : [...shape.slice(0, before.length), ...tail(shape, after.length)];
    for (const [axis, letter] of letters.entries()) {
      sizes.set(letter, broadcastDimension(sizes.get(letter) ?? 1, own[axis] ?? null));
    }
  }
  const output = right ?? implicitOutput(left);
  const [before = '', after] = output.split('...');
  const pick = (letters: string): Dimension[] =>
    lettersOf(letters).map((letter) => sizes.get(letter) ?? null);
  return [...pick(before), ...(after === undefined ? [] : (ellipsis ?? [])), ...pick(after ?? '')];
}

function tail(shape: readonly Dimension[], count: number): readonly Dimension[] {
  return count === 0 ? [] : shape.slice(-count);
}

// Without an arrow the letters that occur once are kept, in alphabetical order, after an ellipsis.
function implicitOutput(left: string): string {
  const letters = lettersOf(left).filter((letter) => /[a-z]/iu.test(letter));
  const once = letters.filter((letter) => letters.indexOf(letter) === letters.lastIndexOf(letter)).sort();
  return `${left.includes('...') ? '...' : ''}${once.join('')}`;
}

const einsum: InferRule = (view) => [like(view, 0, einsumShape(view))];

/** `[B, M, …] × [B, N, …]` distances between rows: `[M, N]`. */
const pairDistances: InferRule = (view) => [
  like(view, 0, [shapeOf(view, 0)?.[0] ?? null, shapeOf(view, 1)?.[0] ?? null]),
];

/** Matrix products. */
export const productRules: RuleEntries = [
  ['MatMul', matrixProduct],
  ['MatMulInteger com.microsoft:MatMulInteger16', integerProduct],
  ['QLinearMatMul', quantisedProduct],
  ['Gemm com.microsoft:FusedGemm', gemm],
  ['com.microsoft:QGemm', quantisedGemm],
  ['Einsum', einsum],
  ['Det', determinant],
  ['com.microsoft:FusedMatMul com.microsoft:TransposeMatMul', fusedProduct],
  ['com.microsoft:MatMulNBits com.microsoft:MatMulBnb4 com.microsoft:MatMulFpQ4', packedProduct],
  ['com.microsoft:DynamicQuantizeMatMul com.microsoft:MatMulIntegerToFloat', floatProduct],
  ['com.microsoft:CDist', pairDistances],
];

/** Returns the size of an axis that several inputs are laid along, one after the other. */
export function concatenated(sizes: readonly Dimension[]): Dimension {
  return sizes.reduce(sum, 0);
}

/** Returns the number of elements of a shape. */
export function elementCount(shape: Shape): Dimension {
  return shape === null ? null : product(shape);
}

// Subscripts are ASCII letters, one code unit each.
function lettersOf(subscripts: string): string[] {
  return Array.from(subscripts);
}
