import type { DataType } from '../../onnx/dataTypes.js';
import type { Emitter } from './emitter.js';

/** Least and greatest number of each type that values are rounded to. */
const ranges: Partial<Readonly<Record<DataType, readonly [least: number, greatest: number]>>> = {
  uint2: [0, 3],
  int2: [-2, 1],
  uint4: [0, 15],
  int4: [-8, 7],
  uint8: [0, 255],
  int8: [-128, 127],
  uint16: [0, 65535],
  int16: [-32768, 32767],
  float8e4m3fn: [-448, 448],
  float8e4m3fnuz: [-240, 240],
  float8e5m2: [-57344, 57344],
  float8e5m2fnuz: [-57344, 57344],
  float4e2m1: [-6, 6],
};

/**
 * Appends whether a quantised value lies strictly inside its type's range.
 *
 * At a bound it was cut, as Clip cuts: a zero point at the least number is how quantised models say ReLU.
 */
export function emitIsUncut(emit: Emitter, quantised: string, type: DataType): string | undefined {
  const range = ranges[type];
  if (range === undefined) return undefined;
  const number = emit.castTo(quantised, emit.elementType);
  const [least, greatest] = range;
  return emit.node('And', [
    emit.greater(number, emit.scalar(least)),
    emit.less(number, emit.scalar(greatest)),
  ]);
}
