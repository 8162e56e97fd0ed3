/** Element types of ONNX tensors, in ONNX's own lower-case names (`TensorProto.DataType`). */
export type DataType =
  | 'undefined'
  | 'float32'
  | 'uint8'
  | 'int8'
  | 'uint16'
  | 'int16'
  | 'int32'
  | 'int64'
  | 'string'
  | 'bool'
  | 'float16'
  | 'float64'
  | 'uint32'
  | 'uint64'
  | 'complex64'
  | 'complex128'
  | 'bfloat16'
  | 'float8e4m3fn'
  | 'float8e4m3fnuz'
  | 'float8e5m2'
  | 'float8e5m2fnuz'
  | 'uint4'
  | 'int4'
  | 'float4e2m1'
  | 'float8e8m0'
  | 'uint2'
  | 'int2';

/** What is known about an element type: ONNX enum code, bits per element, whether gradients make sense. */
export interface DataTypeFacts {
  readonly name: DataType;
  /** Value of `TensorProto.DataType`. */
  readonly code: number;
  /** Bits per element; 0 for strings and undefined. */
  readonly bits: number;
  readonly isFloat: boolean;
}

/** The table of element types, in the order of their ONNX codes (code = index). */
export const dataTypes: readonly DataTypeFacts[] = (
  [
    ['undefined', 0, false],
    ['float32', 32, true],
    ['uint8', 8, false],
    ['int8', 8, false],
    ['uint16', 16, false],
    ['int16', 16, false],
    ['int32', 32, false],
    ['int64', 64, false],
    ['string', 0, false],
    ['bool', 8, false],
    ['float16', 16, true],
    ['float64', 64, true],
    ['uint32', 32, false],
    ['uint64', 64, false],
    ['complex64', 64, false],
    ['complex128', 128, false],
    ['bfloat16', 16, true],
    ['float8e4m3fn', 8, true],
    ['float8e4m3fnuz', 8, true],
    ['float8e5m2', 8, true],
    ['float8e5m2fnuz', 8, true],
    ['uint4', 4, false],
    ['int4', 4, false],
    ['float4e2m1', 4, true],
    ['float8e8m0', 8, true],
    ['uint2', 2, false],
    ['int2', 2, false],
  ] as const
).map(([name, bits, isFloat], code) => ({ name, code, bits, isFloat }));

const byName = new Map(dataTypes.map((facts) => [facts.name, facts]));

/** Returns the facts of an element type. */
export function dataTypeFacts(name: DataType): DataTypeFacts {
  const facts = byName.get(name);
  if (facts === undefined) throw new Error(`No facts for element type ${name}.`);
  return facts;
}

/** Returns the element type with an ONNX code; `undefined` (the type) for codes newer than this table. */
export function dataTypeOfCode(code: number): DataType {
  return dataTypes[code]?.name ?? 'undefined';
}

/** Returns the bytes that `elementCount` packed elements of a type take in `raw_data`. */
export function packedSizeBytes(type: DataType, elementCount: number): number {
  return Math.ceil((elementCount * dataTypeFacts(type).bits) / 8);
}
