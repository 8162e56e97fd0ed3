import { type TensorValue, toFloat64 } from '../../src/onnx/tensorValue.js';

/** Everything a sweep reports of one unit, counted element by element. */
export interface UnitRecount {
  elementCount: number;
  maximum: number;
  minimum: number;
  sum: number;
  squares: number;
  positiveCount: number;
  nonZeroCount: number;
  positiveSampleCount: number;
  nanCount: number;
  infiniteCount: number;
  /** Per sample maximum. */
  sampleMaxima: number[];
  values: number[];
}

export interface RecountOptions {
  readonly unitAxis: number;
  /** Returns whether an element counts, by its full index. */
  readonly counts?: (index: readonly number[]) => boolean;
}

/** Counts by a plain loop over every element: slow, and independent of the code under test. */
export function recount(
  value: TensorValue,
  { unitAxis, counts = () => true }: RecountOptions,
): UnitRecount[] {
  const { dims } = value;
  const data = toFloat64(value);
  const units: UnitRecount[] = Array.from({ length: dims[unitAxis]! }, () => ({
    elementCount: 0,
    maximum: -Infinity,
    minimum: Infinity,
    sum: 0,
    squares: 0,
    positiveCount: 0,
    nonZeroCount: 0,
    positiveSampleCount: 0,
    nanCount: 0,
    infiniteCount: 0,
    sampleMaxima: new Array<number>(dims[0]!).fill(-Infinity),
    values: [],
  }));
  const index = dims.map(() => 0);
  for (const element of data) {
    if (counts(index)) countElement(units[index[unitAxis]!]!, element, index[0]!);
    for (let axis = dims.length - 1; axis >= 0; axis--) {
      index[axis]!++;
      if (index[axis]! < dims[axis]!) break;
      index[axis] = 0;
    }
  }
  for (const unit of units) {
    unit.positiveSampleCount = unit.sampleMaxima.filter((maximum) => maximum > 0).length;
  }
  return units;
}

function countElement(unit: UnitRecount, element: number, sample: number): void {
  unit.elementCount++;
  unit.values.push(element);
  unit.maximum = Math.max(unit.maximum, element);
  unit.minimum = Math.min(unit.minimum, element);
  unit.sum += element;
  unit.squares += element * element;
  if (element > 0) unit.positiveCount++;
  if (element !== 0) unit.nonZeroCount++;
  if (Number.isNaN(element)) unit.nanCount++;
  if (element === Infinity || element === -Infinity) unit.infiniteCount++;
  if (element > unit.sampleMaxima[sample]!) unit.sampleMaxima[sample] = element;
}
