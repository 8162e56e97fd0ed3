import { float32Tensor } from '../../onnx/tensorValue.js';
import type { GraphBuilder } from '../graph/graphBuilder.js';
import { appendAlong } from './alongAxis.js';
import type { SpectrumShape } from './spectrum.js';

/** Appends a value blurred along its positions by a Gaussian of some standard deviation in positions; borders keep their sum. */
export function appendBlur(
  builder: GraphBuilder,
  value: string,
  { dims, positionAxes, deviation }: SpectrumShape & { readonly deviation: number },
): string {
  return positionAxes.reduce((blurred, axis) => {
    const size = dims[axis] ?? 1;
    const matrix = blurMatrix(size, deviation);
    return appendAlong(builder, blurred, { axis, size, matrix, rank: dims.length });
  }, value);
}

/** Column j holds what position j is made of: shares that add up to 1. */
function blurMatrix(size: number, deviation: number): Float64Array {
  const weightOf = (distance: number): number => Math.exp(-(distance ** 2) / (2 * deviation ** 2));
  const sums = Array.from({ length: size }, (_, j) =>
    Array.from({ length: size }, (_unused, k) => weightOf(k - j)).reduce((sum, each) => sum + each, 0),
  );
  return Float64Array.from({ length: size * size }, (_, at) => {
    const [k, j] = [Math.floor(at / size), at % size];
    return weightOf(k - j) / (sums[j] ?? 1);
  });
}

/** Appends a value multiplied by a Gaussian around the middle of its positions, whose width is a share of each side. */
export function appendCentred(
  builder: GraphBuilder,
  value: string,
  shape: SpectrumShape & { readonly width: number },
): string {
  const { dims, positionAxes } = shape;
  const maskDims = dims.map((size, axis) => (positionAxes.includes(axis) ? size : 1));
  const mask = float32Tensor(Float32Array.from(centreMask(shape)), maskDims);
  return builder.node('Mul', [value, builder.constant(mask, 'ni/centreMask')]);
}

/** Returns the Gaussian that `appendCentred` multiplies by, position by position. */
export function centreMask({
  dims,
  positionAxes,
  width,
}: SpectrumShape & { readonly width: number }): Float64Array {
  return positionAxes.reduce((mask, axis) => {
    const size = dims[axis] ?? 1;
    const along = mask;
    return Float64Array.from({ length: along.length * size }, (_, at) => {
      const distance = ((at % size) - (size - 1) / 2) / (width * size);
      return (along[Math.floor(at / size)] ?? 1) * Math.exp(-(distance ** 2) / 2);
    });
  }, Float64Array.of(1));
}
