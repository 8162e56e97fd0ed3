import type { Dimension } from '../../../onnx/model.js';
import { type Emitter, emitterFor } from '../emitter.js';
import { type GradientRule, type InputCotangent, latestOpset } from '../gradientRule.js';
import { noteLeftCotangent } from '../rowSums.js';
import { shapeOf } from '../staticShapes.js';

/** Both operands as stacks of matrices, with the cotangent of their product. */
interface Product {
  readonly emit: Emitter;
  readonly y: string;
  readonly a: string;
  readonly b: string;
  readonly g: string;
  readonly shapeA: readonly Dimension[];
  readonly shapeB: readonly Dimension[];
}

/** Gradient of MatMul: dA = g·Bᵀ, dB = Aᵀ·g, summed over broadcast stacks; vectors count as one row or column. */
export const matMulRule: GradientRule = {
  opType: 'MatMul',
  domain: '',
  opsets: [13, latestOpset],
  backward(context) {
    const [g] = context.outputCotangents;
    const [a = '', b = ''] = context.node.inputs;
    const [y = ''] = context.node.outputs;
    if (g === undefined) return [];
    const emit = emitterFor(context);
    const product = asMatrices({
      emit,
      y,
      a,
      b,
      g,
      shapeA: shapeOf(context, a),
      shapeB: shapeOf(context, b),
    });
    return [context.wants(0) ? toLeft(product) : undefined, context.wants(1) ? toRight(product) : undefined];
  },
};

function asMatrices(given: Product): Product & { readonly isRow: boolean; readonly isColumn: boolean } {
  const { emit, shapeA, shapeB } = given;
  const isRow = shapeA.length === 1;
  const isColumn = shapeB.length === 1;
  let { a, b, g } = given;
  if (isColumn) {
    b = emit.unsqueeze(b, [1]);
    g = emit.unsqueeze(g, [-1]);
  }
  if (isRow) {
    a = emit.unsqueeze(a, [0]);
    g = emit.unsqueeze(g, [-2]);
  }
  const rows = isRow ? [1, ...shapeA] : shapeA;
  const columns = isColumn ? [...shapeB, 1] : shapeB;
  return { emit, y: given.y, a, b, g, shapeA: rows, shapeB: columns, isRow, isColumn };
}

type Matrices = ReturnType<typeof asMatrices>;

function toLeft({ emit, y, a, b, g, shapeA, shapeB, isRow, isColumn }: Matrices): InputCotangent {
  const value = emit.node('MatMul', [g, swapLast(emit, b, shapeB.length)]);
  if (!isRow && !isColumn && isNarrower(shapeB)) noteLeftCotangent(emit, value, { a, y, g });
  const shape = [...stackShape(shapeA, shapeB), ...shapeA.slice(-2)];
  if (!isRow) return { value, shape };
  return { value: emit.squeeze(value, [-2]), shape: [...shape.slice(0, -2), ...shape.slice(-1)] };
}

/** Whether rows of A·B have fewer elements than those of A, as far as known: texts grow, heads do not. */
function isNarrower(shapeB: readonly Dimension[]): boolean {
  const [depth, width] = shapeB.slice(-2);
  return typeof width === 'number' && (typeof depth !== 'number' || depth > width);
}

function toRight(operands: Matrices): InputCotangent {
  const { emit, a, g, shapeA, shapeB, isColumn } = operands;
  // A weight under a stack of inputs: one flat product instead of a stack of products to be summed.
  if (shapeB.length === 2 && shapeA.length > 2) {
    const flat = flatProduct(operands);
    return isColumn ? emit.squeeze(flat, [-1]) : flat;
  }
  const shape = [...stackShape(shapeA, shapeB), ...shapeB.slice(-2)];
  const value = isThin(shapeA, shapeB)
    ? swapLast(emit, emit.node('MatMul', [swapLast(emit, g, shape.length), a]), shape.length)
    : emit.node('MatMul', [swapLast(emit, a, shapeA.length), g]);
  return isColumn ? { value: emit.squeeze(value, [-1]), shape: shape.slice(0, -1) } : { value, shape };
}

/** Columns of g up to which the transpose is taken of g, and not of A. */
const thinWidth = 32;

/**
 * Whether Aᵀ·g is better (gᵀ·A)ᵀ: the runtime turns A around in every product, which takes longer than a thin product.
 * In attention A holds the weights, [T, T] a head, and g a head's few columns.
 */
function isThin(shapeA: readonly Dimension[], shapeB: readonly Dimension[]): boolean {
  const width = shapeB.at(-1);
  const depth = shapeA.at(-1);
  return (
    shapeA.length > 2 &&
    typeof width === 'number' &&
    width <= thinWidth &&
    (typeof depth !== 'number' || depth > width)
  );
}

function flatProduct({ emit, a, b, g }: Product): string {
  // Rows are the sizes of B, read from B itself: they may be known at run time only.
  const rows = (value: string, axis: number): string => {
    const size = emit.shape(b, axis, axis + 1);
    return emit.reshape(value, emit.concat([emit.ints([-1]), size], 0));
  };
  return emit.node('Gemm', [rows(a, 0), rows(g, 1)], { transA: 1 });
}

function swapLast(emit: Emitter, value: string, rank: number): string {
  const perm = Array.from({ length: rank }, (_, i) => i);
  perm.push(...perm.splice(-2).reverse());
  return emit.transpose(value, perm);
}

/** The broadcast shape of the axes before the matrices. */
function stackShape(a: readonly Dimension[], b: readonly Dimension[]): readonly Dimension[] {
  const stackA = a.slice(0, -2);
  const stackB = b.slice(0, -2);
  const rank = Math.max(stackA.length, stackB.length);
  return Array.from({ length: rank }, (_, i): Dimension => {
    const left = stackA[i - rank + stackA.length] ?? (i < rank - stackA.length ? 1 : null);
    const right = stackB[i - rank + stackB.length] ?? (i < rank - stackB.length ? 1 : null);
    if (left === right || right === 1) return left;
    if (left === 1) return right;
    return typeof left === 'number' ? left : typeof right === 'number' ? right : null;
  });
}
