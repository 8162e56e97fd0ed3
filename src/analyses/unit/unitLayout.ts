import { elementCountOf, type TensorValue, toFloat64 } from '../../onnx/tensorValue.js';

/** How one neuron's numbers of a sample lie in a batch: one block per sample, row-major over its position axes. */
export interface UnitLayout {
  /** Sizes of the position axes; empty for one number a sample. */
  readonly dims: readonly number[];
  /** Numbers of one sample. */
  readonly blockLength: number;
}

/** Returns the layout of an output `[N · rows, …positions]` of `rowCount` samples, filling rows included. */
export function unitLayoutOf({ dims }: TensorValue, rowCount: number): UnitLayout {
  const [rows = 0, ...positions] = dims;
  const rowsPerSample = rows / rowCount;
  if (!Number.isInteger(rowsPerSample)) {
    throw new Error(`${rows} rows are no whole number for each of ${rowCount} samples.`);
  }
  const all = rowsPerSample === 1 ? positions : [rowsPerSample, ...positions];
  return { dims: all, blockLength: elementCountOf(all) };
}

/** Returns the coordinates of an element of a block. */
export function coordinatesOf(element: number, dims: readonly number[]): number[] {
  const coordinates: number[] = [];
  let rest = element;
  for (const size of dims.toReversed()) {
    coordinates.unshift(rest % size);
    rest = Math.floor(rest / size);
  }
  return coordinates;
}

/** Returns the element of a block at some coordinates, negative ones from the end. */
export function elementAt(coordinates: readonly number[], dims: readonly number[]): number {
  return coordinates.reduce((flat, coordinate, axis) => {
    const size = dims[axis] ?? 1;
    return flat * size + (coordinate < 0 ? coordinate + size : coordinate);
  }, 0);
}

/** Tells which elements of a batch count, element by element over all samples; undefined: all. */
export type CountedElements = Uint8Array | undefined;

/**
 * Returns which elements count: those whose tokens are not masked, at the position if one is asked for.
 *
 * `mask` is `[N, T]`; an element is masked when its coordinate on any token axis is a masked token.
 */
export function countedElements(
  { dims, blockLength }: UnitLayout,
  options: {
    readonly sampleCount: number;
    readonly mask: TensorValue | undefined;
    readonly tokenAxes: readonly number[];
    readonly position: readonly number[] | undefined;
  },
): CountedElements {
  const { sampleCount, mask, tokenAxes, position } = options;
  const isMasked = mask !== undefined && tokenAxes.length > 0;
  if (!isMasked && position === undefined) return undefined;
  const counted = new Uint8Array(sampleCount * blockLength);
  if (position === undefined) counted.fill(1);
  else {
    const element = elementAt(position, dims);
    for (let sample = 0; sample < sampleCount; sample++) counted[sample * blockLength + element] = 1;
  }
  if (!isMasked) return counted;
  const flags = toFloat64(mask);
  const tokenCount = flags.length / (mask.dims[0] ?? 1);
  for (const axis of tokenAxes) {
    const tokens = Array.from(
      { length: blockLength },
      (_, element) => coordinatesOf(element, dims)[axis] ?? 0,
    );
    for (let at = 0; at < counted.length; at++) {
      const sample = Math.floor(at / blockLength);
      if (flags[sample * tokenCount + (tokens[at % blockLength] ?? 0)] === 0) counted[at] = 0;
    }
  }
  return counted;
}
