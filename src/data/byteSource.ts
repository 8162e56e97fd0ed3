import { type FileHandle, open, stat } from 'node:fs/promises';
import { dataChanged } from './dataErrors.js';

/** Bytes that can be read at any place: a file, a part of one, or memory. */
export interface ByteSource {
  readonly name: string;
  readonly sizeBytes: number;
  open(): Promise<ByteReader>;
}

/** An open source. */
export interface ByteReader {
  /**
   * Returns exactly `length` bytes; the view stays valid and must not be written to.
   *
   * @throws UserError `data-changed` when the source ends before.
   */
  read(offset: number, length: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** Small neighbouring reads share one access of this size. */
const windowSizeBytes = 1 << 20;

/** Returns a file as a source; its size is taken once. */
export async function fileSource(path: string): Promise<ByteSource> {
  const { size } = await stat(path);
  return { name: path, sizeBytes: size, open: async () => new FileReader(path, await open(path), size) };
}

/** Returns bytes in memory as a source. */
export function memorySource(name: string, bytes: Uint8Array): ByteSource {
  const reader: ByteReader = {
    read: (offset, length) =>
      offset + length <= bytes.length
        ? Promise.resolve(bytes.subarray(offset, offset + length))
        : Promise.reject(dataChanged(name)),
    close: () => Promise.resolve(),
  };
  return { name, sizeBytes: bytes.length, open: () => Promise.resolve(reader) };
}

/** Returns a part of a source as a source. */
export function partOf(
  whole: ByteSource,
  name: string,
  part: { offset: number; sizeBytes: number },
): ByteSource {
  return {
    name,
    sizeBytes: part.sizeBytes,
    open: async () => {
      const reader = await whole.open();
      return {
        read: (offset, length) => reader.read(part.offset + offset, length),
        close: () => reader.close(),
      };
    },
  };
}

/** Reads bytes of a source once. */
export async function readBytes(source: ByteSource, offset: number, length: number): Promise<Uint8Array> {
  const reader = await source.open();
  try {
    return (await reader.read(offset, length)).slice();
  } finally {
    await reader.close();
  }
}

class FileReader implements ByteReader {
  private readonly path: string;
  private readonly handle: FileHandle;
  private readonly sizeBytes: number;
  private window = new Uint8Array();
  private windowOffset = 0;

  constructor(path: string, handle: FileHandle, sizeBytes: number) {
    this.path = path;
    this.handle = handle;
    this.sizeBytes = sizeBytes;
  }

  async read(offset: number, length: number): Promise<Uint8Array> {
    const isInside = offset >= this.windowOffset && offset + length <= this.windowOffset + this.window.length;
    if (!isInside) await this.load(offset, length);
    const start = offset - this.windowOffset;
    return this.window.subarray(start, start + length);
  }

  close(): Promise<void> {
    return this.handle.close();
  }

  private async load(offset: number, length: number): Promise<void> {
    // Shuffled reads jump, and a whole window for each would read the file many times over.
    const isNext = offset >= this.windowOffset && offset <= this.windowOffset + this.window.length;
    const ahead = isNext ? Math.min(windowSizeBytes, this.sizeBytes - offset) : 0;
    const sizeBytes = Math.max(length, ahead);
    // A fresh buffer: earlier views may still be in use by samples waiting for their batch.
    const window = new Uint8Array(sizeBytes);
    let filled = 0;
    while (filled < sizeBytes) {
      const { bytesRead } = await this.handle.read(window, filled, sizeBytes - filled, offset + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    if (filled < length) throw dataChanged(this.path);
    this.window = window.subarray(0, filled);
    this.windowOffset = offset;
  }
}
