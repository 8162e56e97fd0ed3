import { dataTypeFacts } from '../onnx/dataTypes.js';
import { elementCountOf } from '../onnx/tensorValue.js';
import { type ByteSource, memorySource, partOf, readBytes } from './byteSource.js';
import { dataMalformed } from './dataErrors.js';
import { checkComplete, maxInMemoryBytes, type NamedArray } from './namedArray.js';
import { npyDataOffset, type NpyHeader, npyPrefixSizeBytes, parseNpyHeader } from './npy.js';

/**
 * Returns the array in the bytes of an `.npy` file, elements unread (except in Fortran order, which is turned round in
 * memory).
 *
 * @throws UserError `not-npy`, `npy-type`, `data-malformed`.
 */
export async function openNpy(source: ByteSource, name: string): Promise<NamedArray> {
  const header = await readHeader(source);
  const { dtype, dims, isBigEndian, dataOffset } = header;
  const sizeBytes = source.sizeBytes - dataOffset;
  const bytes = partOf(source, source.name, { offset: dataOffset, sizeBytes });
  const array = checkComplete({ name, dtype, dims, isBigEndian, bytes });
  return header.isFortranOrder && dims.length > 1 ? rowMajor(array) : array;
}

async function readHeader(source: ByteSource): Promise<NpyHeader> {
  const prefix = await readBytes(source, 0, Math.min(npyPrefixSizeBytes, source.sizeBytes));
  const dataOffset = npyDataOffset(prefix, source.name);
  return parseNpyHeader(await readBytes(source, 0, Math.min(dataOffset, source.sizeBytes)), source.name);
}

async function rowMajor(array: NamedArray): Promise<NamedArray> {
  const size = dataTypeFacts(array.dtype).bits / 8;
  const count = elementCountOf(array.dims);
  if (count * size > maxInMemoryBytes) {
    throw dataMalformed(array.bytes.name, 'it is stored in Fortran order and too large to turn round', {
      remedy: 'Save numpy.ascontiguousarray(array).',
    });
  }
  const stored = await readBytes(array.bytes, 0, count * size);
  const bytes = new Uint8Array(count * size);
  for (const [target, source] of columnMajorIndices(array.dims)) {
    bytes.set(stored.subarray(source * size, (source + 1) * size), target * size);
  }
  return { ...array, bytes: memorySource(array.bytes.name, bytes) };
}

/** Yields, for each element in row-major order, its place in column-major order. */
function* columnMajorIndices(dims: readonly number[]): Generator<readonly [number, number]> {
  const strides = dims.map((_, axis) => elementCountOf(dims.slice(0, axis)));
  const count = elementCountOf(dims);
  for (let target = 0; target < count; target++) {
    let rest = target;
    let source = 0;
    for (let axis = dims.length - 1; axis >= 0; axis--) {
      const dim = dims[axis] ?? 1;
      source += (rest % dim) * (strides[axis] ?? 0);
      rest = Math.floor(rest / dim);
    }
    yield [target, source];
  }
}
