import assert from 'node:assert/strict';
import { UserError } from '../../src/base/errors.js';
import { GraphBuilder } from '../../src/engine/graph/graphBuilder.js';
import type { Model } from '../../src/onnx/model.js';
import { float32Tensor, type TensorValue, toFloat64 } from '../../src/onnx/tensorValue.js';
import { emptyModel, floatType } from './modelBuilder.js';

/** Returns `logits` = x · weight. */
export function linearModel(weight: TensorValue): Model {
  const builder = new GraphBuilder(emptyModel());
  const input = builder.addInput('x', floatType('N', weight.dims[0]!));
  builder.addOutput(
    builder.node('MatMul', [input, builder.constant(weight, 'fc.weight')], { outputs: ['logits'] }),
  );
  return builder.build();
}

/** Returns f of every element, in float32. */
export function elementwise(tensor: TensorValue, f: (value: number, index: number) => number): TensorValue {
  return float32Tensor(Float32Array.from(toFloat64(tensor), f), tensor.dims);
}

/** Returns the sum of every row. */
export function rowSums(tensor: TensorValue): TensorValue {
  const rows = tensor.dims[0]!;
  const size = tensor.data.length / rows;
  return float32Tensor(
    range(0, rows).map((row) => sum(size, (i) => tensor.data[row * size + i] as number)),
    [rows],
  );
}

/** Asserts equal shapes, and elements equal within an absolute tolerance. */
export function assertClose(actual: TensorValue, expected: TensorValue, tolerance: number): void {
  assert.deepEqual(actual.dims, expected.dims);
  const b = toFloat64(expected);
  for (const [i, value] of toFloat64(actual).entries()) {
    assert.ok(Math.abs(value - b[i]!) <= tolerance, `element ${i}: ${value}, expected ${b[i]!}`);
  }
}

/** Returns f(0) + … + f(count − 1). */
export function sum(count: number, f: (index: number) => number): number {
  let total = 0;
  for (let i = 0; i < count; i++) total += f(i);
  return total;
}

/** Returns start … end − 1. */
export function range(start: number, end: number): number[] {
  return Array.from({ length: end - start }, (_, i) => start + i);
}

/** Returns a test for a UserError of a code, for `assert.rejects`. */
export function isCode(code: string): (error: unknown) => boolean {
  return (error) => error instanceof UserError && error.code === code;
}
