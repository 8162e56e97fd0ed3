import { floatAttribute, type GraphNode } from '../../../onnx/model.js';
import type { TensorValue } from '../../../onnx/tensorValue.js';
import { toFloat64 } from '../../../onnx/tensorValue.js';

/** A piecewise linear function of one number: piece i holds up to `ends[i]`, the last one without end. */
export interface PieceFunction {
  readonly ends: readonly number[];
  readonly pieces: readonly { readonly slope: number; readonly offset: number }[];
}

const line = (slope: number, offset = 0): { readonly slope: number; readonly offset: number } => ({
  slope,
  offset,
});

/** Operators that `pieceFunctions` knows. */
export const piecewiseOperators: ReadonlySet<string> = new Set([
  ...['Relu', 'LeakyRelu', 'PRelu', 'Clip', 'HardSigmoid', 'Abs'],
]);

/**
 * Returns the function of every element of an activation, or undefined where its parameters are not known in advance.
 *
 * `size` counts the elements of a row, channels first.
 */
export function pieceFunctions(
  node: GraphNode,
  size: number,
  constantOf: (name: string) => TensorValue | undefined,
): readonly PieceFunction[] | undefined {
  if (node.opType === 'PRelu') {
    const slopes = constantOf(node.inputs[1] ?? '');
    if (slopes === undefined) return undefined;
    const values = toFloat64(slopes);
    if (size % values.length !== 0) return undefined;
    const inner = size / values.length;
    return Array.from({ length: size }, (_, i) => hinge(values[Math.floor(i / inner)] ?? NaN, 1));
  }
  const shared = sharedFunction(node, constantOf);
  return shared === undefined ? undefined : new Array<PieceFunction>(size).fill(shared);
}

function sharedFunction(
  node: GraphNode,
  constantOf: (name: string) => TensorValue | undefined,
): PieceFunction | undefined {
  switch (node.opType) {
    case 'Relu':
      return hinge(0, 1);
    case 'LeakyRelu':
      return hinge(floatAttribute(node, 'alpha', 0.01), 1);
    case 'Abs':
      return hinge(-1, 1);
    case 'Clip': {
      const [low, high] = [limitOf(node.inputs[1], constantOf), limitOf(node.inputs[2], constantOf)];
      return low === undefined || high === undefined
        ? undefined
        : clipped(low ?? -Infinity, high ?? Infinity);
    }
    case 'HardSigmoid': {
      const [alpha, beta] = [floatAttribute(node, 'alpha', 0.2), floatAttribute(node, 'beta', 0.5)];
      return { ends: [-beta / alpha, (1 - beta) / alpha], pieces: [line(0), line(alpha, beta), line(0, 1)] };
    }
    default:
      return undefined;
  }
}

function hinge(below: number, above: number): PieceFunction {
  return { ends: [0], pieces: [line(below), line(above)] };
}

function clipped(low: number, high: number): PieceFunction {
  const ends = [low, high].filter(Number.isFinite);
  const pieces = [
    ...(Number.isFinite(low) ? [line(0, low)] : []),
    line(1),
    ...(Number.isFinite(high) ? [line(0, high)] : []),
  ];
  return { ends, pieces };
}

/** null: without a limit; undefined: not known. */
function limitOf(
  name: string | undefined,
  constantOf: (name: string) => TensorValue | undefined,
): number | null | undefined {
  if (name === undefined || name === '') return null;
  const constant = constantOf(name);
  return constant === undefined ? undefined : toFloat64(constant)[0];
}
