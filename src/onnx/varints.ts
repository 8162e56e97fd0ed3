import { type DataType, dataTypeFacts } from './dataTypes.js';
import { malformed } from './modelErrors.js';

/**
 * Decodes packed protobuf varints into little-endian packed elements of a type.
 *
 * `int32_data` holds the bits of every type up to 32 bits (float16, fp8, pairs of int4), so each value is cut to the
 * element's size; types below 8 bits keep one byte per value, as the format asks.
 *
 * @throws UserError `model-malformed` when the varints do not give exactly `sizeBytes` bytes.
 */
export function packVarints(varints: Uint8Array, type: DataType, sizeBytes: number): Uint8Array {
  const elementBytes = Math.max(1, dataTypeFacts(type).bits / 8);
  // A varint has at least one byte, so this many elements are the most the range can hold.
  if (sizeBytes > varints.length * elementBytes) throw wrongCount(type);
  const packed = new Uint8Array(sizeBytes);
  const view = new DataView(packed.buffer);
  let position = 0;
  let at = 0;
  while (position < varints.length) {
    const { low, high, next } = readVarint64(varints, position);
    position = next;
    if (at + elementBytes > sizeBytes) throw wrongCount(type);
    writeElement(view, at, elementBytes, { low, high });
    at += elementBytes;
  }
  if (at !== sizeBytes) throw wrongCount(type);
  return packed;
}

/** Packs integers (as `onnx` messages hold them once decoded) the way `packVarints` does. */
export function packIntegers(values: readonly (number | bigint)[], type: DataType): Uint8Array {
  const elementBytes = Math.max(1, dataTypeFacts(type).bits / 8);
  const packed = new Uint8Array(values.length * elementBytes);
  const view = new DataView(packed.buffer);
  values.forEach((value, i) => {
    const bits = BigInt.asUintN(64, BigInt(value));
    writeElement(view, i * elementBytes, elementBytes, {
      low: Number(bits & 0xffffffffn),
      high: Number(bits >> 32n),
    });
  });
  return packed;
}

/** The halves of a 64-bit integer, both unsigned. */
interface Halves {
  readonly low: number;
  readonly high: number;
}

function writeElement(view: DataView, at: number, elementBytes: number, { low, high }: Halves): void {
  if (elementBytes === 1) view.setUint8(at, low & 0xff);
  else if (elementBytes === 2) view.setUint16(at, low & 0xffff, true);
  else {
    view.setUint32(at, low, true);
    if (elementBytes === 8) view.setUint32(at + 4, high, true);
  }
}

function readVarint64(bytes: Uint8Array, start: number): Halves & { readonly next: number } {
  let low = 0;
  let high = 0;
  for (let i = 0; i < 10; i++) {
    const byte = bytes[start + i];
    if (byte === undefined) break;
    const bits = byte & 0x7f;
    if (i < 4) low |= bits << (7 * i);
    else if (i === 4) {
      // The fifth group straddles the halves: four bits below, three above.
      low |= bits << 28;
      high |= bits >> 4;
    } else high |= bits << (7 * i - 32);
    if (byte < 0x80) return { low: low >>> 0, high: high >>> 0, next: start + i + 1 };
  }
  throw malformed('a list of integers ends in the middle of one');
}

function wrongCount(type: DataType): Error {
  return malformed(`a ${type} tensor's list of integers has another length than its shape says`);
}
