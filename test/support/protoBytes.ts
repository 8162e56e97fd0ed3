// Protobuf by hand, field by field, so that what the reader is tested against does not come from the library it uses.

/** Returns a varint; negative numbers take ten bytes, as int64 does. */
export function varint(value: number | bigint): Buffer {
  const bytes: number[] = [];
  let rest = BigInt.asUintN(64, BigInt(value));
  do {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    bytes.push(rest === 0n ? low : low | 0x80);
  } while (rest !== 0n);
  return Buffer.from(bytes);
}

/** Returns a varint field. */
export function int(field: number, value: number | bigint): Buffer {
  return Buffer.concat([varint(field * 8), varint(value)]);
}

/** Returns a length-delimited field: a text, bytes or a message made of fields. */
export function bytes(field: number, ...content: (string | Uint8Array)[]): Buffer {
  const value = Buffer.concat(content.map((part) => Buffer.from(part)));
  return Buffer.concat([varint(field * 8 + 2), varint(value.length), value]);
}

/** Returns a 32-bit float field. */
export function float(field: number, value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeFloatLE(value);
  return Buffer.concat([varint(field * 8 + 5), buffer]);
}

/** Returns a list of integers packed into one field. */
export function packedInts(field: number, values: readonly (number | bigint)[]): Buffer {
  return bytes(field, ...values.map(varint));
}

/** Returns a list of floats packed into one field. */
export function packedFloats(field: number, values: readonly number[]): Buffer {
  return bytes(field, Buffer.from(Float32Array.from(values).buffer));
}

/** Returns a TensorProto's fields: dims, data_type and name, then the data's own. */
export function tensorFields(name: string, code: number, dims: readonly number[], ...data: Buffer[]): Buffer {
  return Buffer.concat([...dims.map((dim) => int(1, dim)), int(2, code), bytes(8, name), ...data]);
}

/** Returns a ValueInfoProto's fields for a tensor. */
export function valueFields(name: string, code: number, dims: readonly (number | string | null)[]): Buffer {
  const shape = dims.map((dim) => {
    if (dim === null) return bytes(1);
    return bytes(1, typeof dim === 'number' ? int(1, dim) : bytes(2, dim));
  });
  return Buffer.concat([bytes(1, name), bytes(2, bytes(1, int(1, code), bytes(2, ...shape)))]);
}

/** Returns a NodeProto's fields. */
export function nodeFields(
  opType: string,
  inputs: readonly string[],
  outputs: readonly string[],
  ...more: Buffer[]
): Buffer {
  return Buffer.concat([
    ...inputs.map((input) => bytes(1, input)),
    ...outputs.map((output) => bytes(2, output)),
    bytes(4, opType),
    ...more,
  ]);
}

/** Returns a ModelProto: IR version 8, opset 17, a graph of the given fields, then more fields of the model. */
export function modelBytes(graphFields: readonly Buffer[], ...more: Buffer[]): Buffer {
  return Buffer.concat([
    int(1, 8),
    bytes(8, bytes(1, ''), int(2, 17)),
    bytes(7, bytes(2, 'g'), ...graphFields),
    ...more,
  ]);
}

/** Returns a graph that multiplies x `[n, 512]` by a weight W `[512, 2]` given by its data field. */
export function matMulGraph(...data: Buffer[]): readonly Buffer[] {
  return [
    bytes(1, nodeFields('MatMul', ['x', 'W'], ['y'], bytes(3, 'dense'))),
    bytes(5, tensorFields('W', 1, [512, 2], ...data)),
    bytes(11, valueFields('x', 1, ['n', 512])),
    bytes(12, valueFields('y', 1, ['n', 2])),
  ];
}

/** Elements 0 … 1023, scaled: the weight of `matMulGraph`. */
export const matMulWeight = Float32Array.from({ length: 1024 }, (_, i) => (i - 500) / 64);
