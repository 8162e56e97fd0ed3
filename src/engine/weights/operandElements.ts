import { tensorChunks } from '../../onnx/tensorChunks.js';
import { elementCountOf, toFloat64 } from '../../onnx/tensorValue.js';
import type { OperandStep, Quantization, StoredOperand } from './storedOperand.js';

/**
 * Calls `visit` with every element of an operand as the node reads it: its value and its flat index, which counts through several
 * operands. A million elements are in memory at a time; the order is that of the file.
 *
 * @throws UserError when the file is gone, too short or damaged.
 */
export async function forEachElement(
  operand: StoredOperand | readonly StoredOperand[],
  visit: (value: number, flat: number) => void,
): Promise<void> {
  if ('stored' in operand) return forEachOf(operand, visit);
  let before = 0;
  for (const one of operand) {
    const first = before;
    await forEachOf(one, (value, flat) => {
      visit(value, first + flat);
    });
    before += elementCountOf(one.dims);
  }
}

async function forEachOf(
  operand: StoredOperand,
  visit: (value: number, flat: number) => void,
): Promise<void> {
  const steps = operand.steps.map(stepFunction);
  let stored = 0;
  for await (const numbers of chunksOf(operand)) {
    for (let i = 0; i < numbers.length; i++) {
      const element = { value: numbers[i] ?? NaN, flat: stored++ };
      for (const step of steps) step(element);
      visit(element.value, element.flat);
    }
  }
}

type Chunk = ArrayLike<number>;

async function* chunksOf({ stored }: StoredOperand): AsyncGenerator<Chunk> {
  if ('source' in stored) yield* tensorChunks(stored);
  else yield toFloat64(stored);
}

/** An element on its way; one object, changed in place, for millions of them. */
interface Element {
  value: number;
  flat: number;
}

type StepFunction = (element: Element) => void;

function stepFunction(step: OperandStep): StepFunction {
  switch (step.kind) {
    case 'transpose':
      return transposing(step.dims, step.order);
    case 'dequantize':
      return dequantizing(step.by);
    case 'quantize':
      return quantizing(step.by, step.range);
    case 'cast':
      return casting(step.to);
  }
}

function transposing(dims: readonly number[], order: readonly number[]): StepFunction {
  const outDims = order.map((axis) => dims[axis] ?? 1);
  const outStrides = outDims.map((_, i) => outDims.slice(i + 1).reduce((product, size) => product * size, 1));
  // What a step along an axis of the source moves in the result.
  const strides = dims.map((_, axis) => outStrides[order.indexOf(axis)] ?? 0);
  return (element) => {
    let rest = element.flat;
    let flat = 0;
    for (let axis = dims.length - 1; axis >= 0; axis--) {
      const size = dims[axis] ?? 1;
      flat += (rest % size) * (strides[axis] ?? 0);
      rest = Math.floor(rest / size);
    }
    element.flat = flat;
  };
}

function indexOf({ scale, size, inner, block }: Quantization, flat: number): number {
  if (scale.length === 1) return 0;
  const along = Math.floor(flat / inner) % size;
  if (block === 1) return along;
  const blockCount = Math.ceil(size / block);
  const outer = Math.floor(flat / (inner * size));
  return (outer * blockCount + Math.floor(along / block)) * inner + (flat % inner);
}

function dequantizing(by: Quantization): StepFunction {
  return (element) => {
    const at = indexOf(by, element.flat);
    element.value = (element.value - (by.zeroPoint?.[at] ?? 0)) * (by.scale[at] ?? NaN);
  };
}

function quantizing(by: Quantization, [low, high]: readonly [number, number]): StepFunction {
  return (element) => {
    const at = indexOf(by, element.flat);
    const steps = roundHalfToEven(element.value / (by.scale[at] ?? NaN)) + (by.zeroPoint?.[at] ?? 0);
    element.value = Math.min(high, Math.max(low, steps));
  };
}

function roundHalfToEven(value: number): number {
  const rounded = Math.round(value);
  return Math.abs(value % 1) === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}

/** Casts to halves are left as they are: they change the fourth digit. */
function casting(to: string): StepFunction {
  if (to === 'float32') {
    return (element) => {
      element.value = Math.fround(element.value);
    };
  }
  if (!/^u?int/.test(to)) return () => undefined;
  return (element) => {
    element.value = Math.trunc(element.value);
  };
}
