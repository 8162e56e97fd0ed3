import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { type DataType, packedSizeBytes } from './dataTypes.js';
import type { Tensor } from './model.js';
import { dataTooShort, externalDataMissing, tensorMalformed } from './modelErrors.js';
import { elementCountOf } from './tensorValue.js';
import { packVarints } from './varints.js';

/**
 * Returns a tensor's elements as little-endian packed bytes (`raw_data`'s form), read from its file if need be.
 *
 * @throws UserError when the file is gone or too short, or when the bytes do not fit the tensor's shape.
 */
export function readTensorBytes(tensor: Tensor): Uint8Array {
  const { source } = tensor;
  switch (source.kind) {
    case 'inline':
      return source.bytes;
    case 'file':
      return readRange(source.path, source.offset, source.sizeBytes, tensor.name);
    case 'varints': {
      const bytes = readRange(source.path, source.offset, source.sizeBytes, tensor.name);
      return packVarints(bytes, tensor.elementType, expectedSizeBytes(tensor));
    }
    case 'strings':
      throw tensorMalformed(tensor.name, 'it holds strings, not numbers');
  }
}

/** Returns the bytes that a tensor's shape and element type ask for. */
export function expectedSizeBytes(tensor: {
  readonly elementType: DataType;
  readonly dims: readonly number[];
}): number {
  return packedSizeBytes(tensor.elementType, elementCountOf(tensor.dims));
}

function readRange(path: string, offset: number, sizeBytes: number, tensorName: string): Uint8Array {
  let fd: number;
  try {
    fd = openSync(path, 'r');
  } catch {
    throw externalDataMissing(path, tensorName);
  }
  try {
    // Before the buffer is made: a damaged file may name any size.
    if (offset + sizeBytes > fstatSync(fd).size) throw dataTooShort(path, tensorName, offset + sizeBytes);
    const bytes = new Uint8Array(sizeBytes);
    let filled = 0;
    while (filled < sizeBytes) {
      // One read call takes at most 2 GiB − 1.
      const count = readSync(fd, bytes, filled, Math.min(sizeBytes - filled, 2 ** 30), offset + filled);
      if (count === 0) throw dataTooShort(path, tensorName, offset + sizeBytes);
      filled += count;
    }
    return bytes;
  } finally {
    closeSync(fd);
  }
}
