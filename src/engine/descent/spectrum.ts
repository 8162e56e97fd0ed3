import { float32Tensor } from '../../onnx/tensorValue.js';
import type { GraphBuilder } from '../graph/graphBuilder.js';
import { appendAlong, type AxisMatrix, multiplyAlong, transposed } from './alongAxis.js';

// An input said by its frequencies: z = Σ_f S(f) · w_f · (cosines and sines of frequency f along the position axes), with
// S(f) = 1 / |f|, cut at the lowest frequency there is, and scaled so that z has the variance of w. Steps on w change low
// frequencies most, as in natural images, where steps on z favour patterns of single positions.

/** The shape of what is said, and its axes of positions. */
export interface SpectrumShape {
  /** Rows first. */
  readonly dims: readonly number[];
  readonly positionAxes: readonly number[];
}

/**
 * Appends z from its spectrum w, of the same shape: place k along an axis is the k-th of 1, cos 1, sin 1, cos 2, sin 2, …
 *
 * Source: Olah, Mordvintsev & Schubert (2017), "Feature Visualization", https://distill.pub/2017/feature-visualization/.
 * Differs: a real basis, a product over axes, and channels of their own.
 */
export function appendFromSpectrum(builder: GraphBuilder, spectrum: string, shape: SpectrumShape): string {
  const { dims } = shape;
  const scales = float32Tensor(Float32Array.from(scalesOf(shape)), scaleDims(shape));
  const scaled = builder.node('Mul', [spectrum, builder.constant(scales, 'ni/spectrumScale')]);
  return basesOf(shape).reduce(
    (value, basis) => appendAlong(builder, value, { ...basis, rank: dims.length }),
    scaled,
  );
}

/** Returns the spectrum of z, so that `appendFromSpectrum` makes z of it again. */
export function toSpectrum(z: Float64Array, shape: SpectrumShape): Float64Array {
  const { dims } = shape;
  const turned = basesOf(shape).reduce(
    (values, basis) =>
      multiplyAlong(values, dims, { ...basis, matrix: transposed(basis.matrix, basis.size) }),
    z,
  );
  const scales = scalesOf(shape);
  return turned.map((value, at) => value / (scales[positionOf(at, shape)] ?? 1));
}

/** Returns which position an element is at, counted over the position axes alone. */
export function positionOf(element: number, { dims, positionAxes }: SpectrumShape): number {
  let [rest, index, stride] = [element, 0, 1];
  for (let axis = dims.length - 1; axis >= 0; axis--) {
    const size = dims[axis] ?? 1;
    if (positionAxes.includes(axis)) {
      index += (rest % size) * stride;
      stride *= size;
    }
    rest = Math.floor(rest / size);
  }
  return index;
}

function scaleDims({ dims, positionAxes }: SpectrumShape): number[] {
  return dims.map((size, axis) => (positionAxes.includes(axis) ? size : 1));
}

/** S by position: 1 / |f|, with a mean square of 1. */
function scalesOf({ dims, positionAxes }: SpectrumShape): Float64Array {
  const sizes = positionAxes.map((axis) => dims[axis] ?? 1);
  const lowest = 1 / Math.max(1, ...sizes);
  let squares = new Float64Array(1);
  for (const size of sizes) {
    const along = squares;
    squares = Float64Array.from({ length: along.length * size }, (_, at) => {
      // cos and sin of frequency k stand at 2k − 1 and 2k.
      const frequency = Math.ceil((at % size) / 2) / size;
      return (along[Math.floor(at / size)] ?? 0) + frequency ** 2;
    });
  }
  const scales = squares.map((square) => 1 / Math.max(Math.sqrt(square), lowest));
  const meanSquare = scales.reduce((sum, scale) => sum + scale ** 2, 0) / scales.length;
  return scales.map((scale) => scale / Math.sqrt(meanSquare));
}

function basesOf({ dims, positionAxes }: SpectrumShape): AxisMatrix[] {
  return positionAxes.map((axis) => {
    const size = dims[axis] ?? 1;
    return { axis, size, matrix: fourierBasis(size) };
  });
}

/** The real Fourier basis, a wave a row, each of length 1. */
function fourierBasis(size: number): Float64Array {
  return Float64Array.from({ length: size * size }, (_, at) => {
    const [row, position] = [Math.floor(at / size), at % size];
    const frequency = Math.ceil(row / 2);
    const angle = (2 * Math.PI * frequency * position) / size;
    // The mean, and the fastest wave of an even size, have no sine beside them.
    const isAlone = row === 0 || 2 * frequency === size;
    const wave = row % 2 === 1 || row === 0 ? Math.cos(angle) : Math.sin(angle);
    return wave * Math.sqrt((isAlone ? 1 : 2) / size);
  });
}
