import { writeFile } from 'node:fs/promises';
import { inflateRawSync } from 'node:zlib';
import { zipSync } from 'fflate';
import type { TensorValue } from '../onnx/tensorValue.js';
import { type ByteSource, memorySource, partOf, readBytes } from './byteSource.js';
import { dataMalformed } from './dataErrors.js';
import { maxInMemoryBytes, type NamedArray } from './namedArray.js';
import { encodeNpy } from './npy.js';
import { openNpy } from './openNpy.js';

/** Writes arrays as an uncompressed `.npz`, as `numpy.savez` does; element types as in `encodeNpy`. */
export async function writeNpz(path: string, arrays: Readonly<Record<string, TensorValue>>): Promise<void> {
  const files = Object.entries(arrays).map(([name, value]) => [`${name}.npy`, encodeNpy(value)] as const);
  // A fixed time, so that equal arrays give equal bytes.
  await writeFile(path, zipSync(Object.fromEntries(files), { level: 0, mtime: new Date(1980, 0, 2) }));
}

/**
 * Returns the arrays of an `.npz`: stored members stay in the file, deflated ones are unpacked into memory.
 *
 * @throws UserError `data-malformed` for a damaged archive, or members over 1 GiB that are compressed.
 */
export async function openNpz(source: ByteSource): Promise<readonly NamedArray[]> {
  const arrays: NamedArray[] = [];
  for (const entry of await listEntries(source)) {
    if (!entry.name.endsWith('.npy')) continue;
    const name = entry.name.slice(0, -'.npy'.length);
    arrays.push(await openNpy(await contentOf(source, entry), name));
  }
  return arrays;
}

interface ZipEntry {
  readonly name: string;
  /** 0 stored, 8 deflated. */
  readonly method: number;
  readonly packedSizeBytes: number;
  readonly sizeBytes: number;
  readonly headerOffset: number;
}

// Signatures and sizes of PKZIP's APPNOTE 6.3.
const endSignature = 0x06054b50;
const end64LocatorSignature = 0x07064b50;
const end64Signature = 0x06064b50;
const centralSignature = 0x02014b50;
const localSignature = 0x04034b50;
const endSizeBytes = 22;
const maxCommentSizeBytes = 65535;
const unknown32 = 0xffffffff;

async function listEntries(source: ByteSource): Promise<readonly ZipEntry[]> {
  const directory = await locateDirectory(source);
  if (directory.offset + directory.sizeBytes > source.sizeBytes) throw damaged(source);
  const bytes = await readBytes(source, directory.offset, directory.sizeBytes);
  const view = viewOf(bytes);
  const entries: ZipEntry[] = [];
  let at = 0;
  while (at + 46 <= bytes.length && view.getUint32(at, true) === centralSignature) {
    const nameLength = view.getUint16(at + 28, true);
    const extraLength = view.getUint16(at + 30, true);
    if (at + 46 + nameLength + extraLength > bytes.length) throw damaged(source);
    const name = new TextDecoder().decode(bytes.subarray(at + 46, at + 46 + nameLength));
    const extra = bytes.subarray(at + 46 + nameLength, at + 46 + nameLength + extraLength);
    entries.push(entryAt(view, at, { name, extra }));
    at += 46 + nameLength + extraLength + view.getUint16(at + 32, true);
  }
  return entries;
}

function entryAt(view: DataView, at: number, { name, extra }: { name: string; extra: Uint8Array }): ZipEntry {
  const wide = wideFields(extra);
  const field = (offset: number): number => {
    const value = view.getUint32(at + offset, true);
    return value === unknown32 ? (wide.shift() ?? value) : value;
  };
  // Zip64 holds only the fields that overflowed, in this order.
  const sizeBytes = field(24);
  const packedSizeBytes = field(20);
  const headerOffset = field(42);
  return { name, method: view.getUint16(at + 10, true), packedSizeBytes, sizeBytes, headerOffset };
}

function wideFields(extra: Uint8Array): number[] {
  const view = viewOf(extra);
  for (let at = 0; at + 4 <= extra.length; at += 4 + view.getUint16(at + 2, true)) {
    if (view.getUint16(at, true) !== 1) continue;
    const fields: number[] = [];
    const end = Math.min(at + 4 + view.getUint16(at + 2, true), extra.length);
    for (let place = at + 4; place + 8 <= end; place += 8) {
      fields.push(Number(view.getBigUint64(place, true)));
    }
    return fields;
  }
  return [];
}

async function locateDirectory(source: ByteSource): Promise<{ offset: number; sizeBytes: number }> {
  const tailSizeBytes = Math.min(source.sizeBytes, endSizeBytes + maxCommentSizeBytes);
  const tailOffset = source.sizeBytes - tailSizeBytes;
  const tail = await readBytes(source, tailOffset, tailSizeBytes);
  const view = viewOf(tail);
  for (let at = tail.length - endSizeBytes; at >= 0; at--) {
    if (view.getUint32(at, true) !== endSignature) continue;
    const sizeBytes = view.getUint32(at + 12, true);
    const offset = view.getUint32(at + 16, true);
    if (offset !== unknown32 && sizeBytes !== unknown32) return { offset, sizeBytes };
    return locateDirectory64(source, at >= 20 ? viewOf(tail.subarray(at - 20, at)) : undefined);
  }
  throw damaged(source);
}

async function locateDirectory64(
  source: ByteSource,
  locator: DataView | undefined,
): Promise<{ offset: number; sizeBytes: number }> {
  if (locator?.getUint32(0, true) !== end64LocatorSignature) throw damaged(source);
  const at = Number(locator.getBigUint64(8, true));
  if (at + 56 > source.sizeBytes) throw damaged(source);
  const record = viewOf(await readBytes(source, at, 56));
  if (record.getUint32(0, true) !== end64Signature) throw damaged(source);
  return { sizeBytes: Number(record.getBigUint64(40, true)), offset: Number(record.getBigUint64(48, true)) };
}

async function contentOf(source: ByteSource, entry: ZipEntry): Promise<ByteSource> {
  const name = `${source.name} (${entry.name})`;
  if (entry.headerOffset + 30 > source.sizeBytes) throw damaged(source);
  const local = viewOf(await readBytes(source, entry.headerOffset, 30));
  if (local.getUint32(0, true) !== localSignature) throw damaged(source);
  const offset = entry.headerOffset + 30 + local.getUint16(26, true) + local.getUint16(28, true);
  if (offset + entry.packedSizeBytes > source.sizeBytes) throw damaged(source);
  if (entry.method === 0) return partOf(source, name, { offset, sizeBytes: entry.sizeBytes });
  if (entry.method !== 8) {
    throw dataMalformed(name, `compression method ${entry.method} is not deflate`, savez);
  }
  if (entry.sizeBytes > maxInMemoryBytes) throw dataMalformed(name, 'it is compressed and over 1 GiB', savez);
  const packed = await readBytes(source, offset, entry.packedSizeBytes);
  return memorySource(name, inflate(name, packed, entry.sizeBytes));
}

const savez = {
  remedy: 'Save it uncompressed, with numpy.savez: that is read from the file piece by piece.',
};

function inflate(name: string, packed: Uint8Array, sizeBytes: number): Uint8Array {
  try {
    return inflateRawSync(packed, { maxOutputLength: Math.max(1, sizeBytes) });
  } catch (cause) {
    throw dataMalformed(name, 'its compressed bytes cannot be unpacked', { cause });
  }
}

function damaged(source: ByteSource) {
  return dataMalformed(source.name, 'it is no complete zip archive', {
    remedy: 'Write it again with numpy.savez.',
  });
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
