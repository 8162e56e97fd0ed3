import { type DataType, dataTypeFacts } from '../onnx/dataTypes.js';
import type { TensorData } from '../onnx/tensorValue.js';
import { typeMismatch } from './dataErrors.js';
import { allocateElements } from './namedArray.js';

/** Where values come from, for messages. */
export interface ValueOrigin {
  readonly input: string;
  readonly sample: string;
}

const integerRanges: Readonly<Partial<Record<DataType, readonly [number, number]>>> = {
  bool: [0, 1],
  int2: [-2, 1],
  uint2: [0, 3],
  int4: [-8, 7],
  uint4: [0, 15],
  int8: [-128, 127],
  uint8: [0, 255],
  int16: [-32768, 32767],
  uint16: [0, 65535],
  int32: [-(2 ** 31), 2 ** 31 - 1],
  uint32: [0, 2 ** 32 - 1],
  int64: [Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER],
  uint64: [0, Number.MAX_SAFE_INTEGER],
};

/**
 * Returns numbers as elements of the type that an input takes.
 *
 * @throws UserError `data-dtype` where an integer type would have to round or cut a value.
 */
export function castElements(numbers: Float64Array, dtype: DataType, origin: ValueOrigin): TensorData {
  if (dtype === 'float32') return Float32Array.from(numbers);
  if (dtype === 'float64') return numbers;
  if (dtype === 'float16') return Uint16Array.from(numbers, numberToFloat16);
  if (dtype === 'bfloat16') return Uint16Array.from(numbers, numberToBfloat16);
  const range = integerRanges[dtype];
  if (range === undefined) throw unfeedable(dtype, origin);
  checkIntegers(numbers, { dtype, range, origin });
  const elements = allocateElements(dtype, numbers.length);
  if (elements instanceof BigInt64Array || elements instanceof BigUint64Array) {
    for (const [place, value] of numbers.entries()) elements[place] = BigInt(value);
  } else if (!Array.isArray(elements)) {
    elements.set(numbers);
  }
  return elements;
}

interface IntegerCheck {
  readonly dtype: DataType;
  readonly range: readonly [number, number];
  readonly origin: ValueOrigin;
}

function checkIntegers(numbers: Float64Array, { dtype, range: [low, high], origin }: IntegerCheck): void {
  const place = numbers.findIndex((value) => !(Number.isInteger(value) && value >= low && value <= high));
  if (place < 0) return;
  const value = String(numbers[place]);
  throw typeMismatch(
    `Input "${origin.input}" takes ${dtype} (${low} to ${high}, whole), and sample ${origin.sample} holds ${value}. Give whole numbers in that range, or check "scale", "mean" and "std" in the .inspect.json.`,
    { ...origin, dtype, value },
  );
}

function unfeedable(dtype: DataType, origin: ValueOrigin): Error {
  const what = dataTypeFacts(dtype).bits === 0 ? 'no numbers' : 'a type that data cannot be converted to';
  return typeMismatch(`Input "${origin.input}" takes ${dtype}, ${what}. Give data of type ${dtype}.`, {
    ...origin,
    dtype,
  });
}

/** Returns IEEE 754 half precision bits, rounded to nearest, ties to even. */
export function numberToFloat16(value: number): number {
  if (Number.isNaN(value)) return 0x7e00;
  const sign = value < 0 || Object.is(value, -0) ? 0x8000 : 0;
  const size = Math.abs(value);
  // Half-way between the largest finite (65504) and the next step, which ties to the even one: infinity.
  if (size >= 65520) return sign | 0x7c00;
  // Below the smallest normal number steps are 2⁻²⁴; a full 1024 of them carries into the exponent by itself.
  if (size < 2 ** -14) return sign | roundHalfToEven(size * 2 ** 24);
  let exponent = Math.floor(Math.log2(size));
  // The logarithm may land on the wrong side of a power of two.
  if (2 ** exponent > size) exponent--;
  else if (2 ** (exponent + 1) <= size) exponent++;
  const steps = roundHalfToEven(size * 2 ** (10 - exponent));
  return sign | (((exponent + 15) << 10) + steps - 1024);
}

function roundHalfToEven(value: number): number {
  const floor = Math.floor(value);
  const fraction = value - floor;
  if (fraction > 0.5 || (fraction === 0.5 && floor % 2 === 1)) return floor + 1;
  return floor;
}

const scratch = new DataView(new ArrayBuffer(4));

function numberToBfloat16(value: number): number {
  if (Number.isNaN(value)) return 0x7fc0;
  scratch.setFloat32(0, value);
  const bits = scratch.getUint32(0);
  // Adding half a step, less one where the kept part is even, rounds ties to even.
  return ((bits + 0x7fff + ((bits >>> 16) & 1)) / 0x10000) & 0xffff;
}
