import { writeFile } from 'node:fs/promises';
import { gunzipSync } from 'node:zlib';
import { type DataType, dataTypeFacts } from '../onnx/dataTypes.js';
import type { TensorValue } from '../onnx/tensorValue.js';
import { type ByteSource, fileSource, memorySource, partOf, readBytes } from './byteSource.js';
import { dataMalformed } from './dataErrors.js';
import { checkComplete, maxInMemoryBytes, type NamedArray } from './namedArray.js';

// IDX: two zero bytes, a type code, the rank, then each size as a big-endian uint32, then big-endian elements.
const typeCodes = new Map<number, DataType>([
  [0x08, 'uint8'],
  [0x09, 'int8'],
  [0x0b, 'int16'],
  [0x0c, 'int32'],
  [0x0d, 'float32'],
  [0x0e, 'float64'],
]);

/** Tells whether bytes start like an IDX file. */
export function looksLikeIdx(prefix: Uint8Array): boolean {
  const rank = prefix[3] ?? 0;
  return prefix[0] === 0 && prefix[1] === 0 && typeCodes.has(prefix[2] ?? 0) && rank >= 1 && rank <= 8;
}

/** Tells whether bytes start like a gzip file. */
export function looksLikeGzip(prefix: Uint8Array): boolean {
  return prefix[0] === 0x1f && prefix[1] === 0x8b;
}

/**
 * Returns the array of an IDX file; a gzipped one is unpacked into memory.
 *
 * @throws UserError `data-malformed`.
 */
export async function openIdx(path: string, name: string): Promise<NamedArray> {
  const source = await unpacked(await fileSource(path));
  const prefix = await readBytes(source, 0, Math.min(4, source.sizeBytes));
  const dtype = typeCodes.get(prefix[2] ?? 0);
  if (!looksLikeIdx(prefix) || dtype === undefined) {
    throw dataMalformed(path, 'it does not start like an IDX file (00 00, type, rank)');
  }
  const rank = prefix[3] ?? 0;
  const dataOffset = 4 + 4 * rank;
  if (source.sizeBytes < dataOffset) throw dataMalformed(path, 'it ends inside its header');
  const header = await readBytes(source, 0, dataOffset);
  const view = new DataView(header.buffer, header.byteOffset, header.byteLength);
  const dims = Array.from({ length: rank }, (_, axis) => view.getUint32(4 + 4 * axis));
  const sizeBytes = source.sizeBytes - dataOffset;
  const bytes = partOf(source, path, { offset: dataOffset, sizeBytes });
  return checkComplete({ name, dtype, dims, isBigEndian: true, bytes });
}

async function unpacked(source: ByteSource): Promise<ByteSource> {
  const prefix = await readBytes(source, 0, Math.min(2, source.sizeBytes));
  if (!looksLikeGzip(prefix)) return source;
  try {
    const packed = await readBytes(source, 0, source.sizeBytes);
    return memorySource(source.name, gunzipSync(packed, { maxOutputLength: maxInMemoryBytes }));
  } catch (cause) {
    throw dataMalformed(source.name, 'it cannot be unpacked, or is over 1 GiB unpacked', {
      cause,
      remedy: 'Unpack it with gunzip and give the unpacked file.',
    });
  }
}

/** Writes an array as IDX (uint8, int8, int16, int32, float32, float64). */
export async function writeIdx(path: string, value: TensorValue): Promise<void> {
  const code = [...typeCodes].find(([, dtype]) => dtype === value.dtype)?.[0];
  if (code === undefined || Array.isArray(value.data)) {
    throw new Error(`IDX has no element type ${value.dtype}.`);
  }
  const { data, dims } = value;
  const elementSize = dataTypeFacts(value.dtype).bits / 8;
  const header = new Uint8Array(4 + 4 * dims.length);
  header.set([0, 0, code, dims.length]);
  const view = new DataView(header.buffer);
  for (const [axis, dim] of dims.entries()) view.setUint32(4 + 4 * axis, dim);
  const elements = new Uint8Array(data.buffer, data.byteOffset, data.byteLength).slice();
  for (let at = 0; at < elements.length; at += elementSize) elements.subarray(at, at + elementSize).reverse();
  await writeFile(path, Buffer.concat([header, elements]));
}
