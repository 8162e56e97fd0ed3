import type { DataType } from './dataTypes.js';

/** How a float of at most 8 bits is laid out: sign, exponent and fraction bits, bias, and what its last codes mean. */
interface SmallFloat {
  readonly exponentBits: number;
  readonly fractionBits: number;
  readonly bias: number;
  /**
   * `ieee`: the largest exponent is ∞ and NaN; `top`: only all ones is NaN; `negative-zero`: only the sign alone is NaN;
   * `none`: every code is a number.
   */
  readonly special: 'ieee' | 'top' | 'negative-zero' | 'none';
}

// Source: ONNX, "Float stored in 8 bits", https://onnx.ai/onnx/technical/float8.html, and "4 bit types".
const layouts: Partial<Record<DataType, SmallFloat>> = {
  float8e4m3fn: { exponentBits: 4, fractionBits: 3, bias: 7, special: 'top' },
  float8e4m3fnuz: { exponentBits: 4, fractionBits: 3, bias: 8, special: 'negative-zero' },
  float8e5m2: { exponentBits: 5, fractionBits: 2, bias: 15, special: 'ieee' },
  float8e5m2fnuz: { exponentBits: 5, fractionBits: 2, bias: 16, special: 'negative-zero' },
  float4e2m1: { exponentBits: 2, fractionBits: 1, bias: 1, special: 'none' },
};

/** Returns the decoder of a float type of at most 8 bits, undefined for other types. */
export function smallFloatDecoder(type: DataType): ((bits: number) => number) | undefined {
  // An exponent alone: 2^(bits − 127).
  if (type === 'float8e8m0') return (bits) => (bits === 255 ? NaN : 2 ** (bits - 127));
  const layout = layouts[type];
  return layout === undefined ? undefined : (bits) => decode(bits, layout);
}

function decode(bits: number, { exponentBits, fractionBits, bias, special }: SmallFloat): number {
  const signBit = 2 ** (exponentBits + fractionBits);
  const sign = bits & signBit ? -1 : 1;
  const magnitude = bits & (signBit - 1);
  const exponent = magnitude >> fractionBits;
  const fraction = (magnitude & (2 ** fractionBits - 1)) / 2 ** fractionBits;
  if (special === 'negative-zero' && bits === signBit) return NaN;
  if (special === 'top' && magnitude === signBit - 1) return NaN;
  if (special === 'ieee' && exponent === 2 ** exponentBits - 1) return fraction === 0 ? sign * Infinity : NaN;
  if (exponent === 0) return sign * fraction * 2 ** (1 - bias);
  return sign * (1 + fraction) * 2 ** (exponent - bias);
}
