import { closeSync, openSync, readSync } from 'node:fs';
import { modelChanged } from './modelErrors.js';
import { asUnreadable } from './modelFiles.js';

/** Large enough that a run of nodes takes few reads, small enough that skipping from weight to weight reads little. */
const windowBytes = 64 * 1024;

/** Random access to a file's bytes through one small buffer, so that memory does not grow with the file. */
export class FileWindow {
  readonly sizeBytes: number;
  private readonly path: string;
  private readonly fd: number;
  private readonly buffer: Uint8Array;
  private start = 0;
  private length = 0;

  /** Opens a file that has `sizeBytes` bytes. */
  constructor(path: string, sizeBytes: number) {
    this.path = path;
    this.sizeBytes = sizeBytes;
    this.buffer = new Uint8Array(Math.min(windowBytes, sizeBytes));
    try {
      this.fd = openSync(path, 'r');
    } catch (error) {
      throw asUnreadable(path, error);
    }
  }

  /** Returns one byte; the caller stays below `sizeBytes`. */
  byteAt(offset: number): number {
    const index = offset - this.start;
    if (index >= 0 && index < this.length) return this.buffer[index] ?? 0;
    this.load(offset);
    return this.buffer[0] ?? 0;
  }

  /** Returns a range of bytes: a view that is valid until the next call when it fits the window, else a copy. */
  bytes(offset: number, sizeBytes: number): Uint8Array {
    if (sizeBytes > this.buffer.length) {
      const copy = new Uint8Array(sizeBytes);
      this.fill(copy, offset);
      return copy;
    }
    if (offset < this.start || offset + sizeBytes > this.start + this.length) this.load(offset);
    return this.buffer.subarray(offset - this.start, offset - this.start + sizeBytes);
  }

  close(): void {
    closeSync(this.fd);
  }

  private load(offset: number): void {
    const length = Math.min(this.buffer.length, this.sizeBytes - offset);
    this.length = 0;
    this.fill(this.buffer.subarray(0, length), offset);
    this.start = offset;
    this.length = length;
  }

  private fill(target: Uint8Array, offset: number): void {
    let filled = 0;
    while (filled < target.length) {
      const count = this.readInto(target, filled, offset + filled);
      // The size was taken on opening: only a file that shrank meanwhile ends earlier.
      if (count === 0) throw modelChanged(this.path);
      filled += count;
    }
  }

  private readInto(target: Uint8Array, at: number, offset: number): number {
    try {
      return readSync(this.fd, target, at, target.length - at, offset);
    } catch (error) {
      throw asUnreadable(this.path, error);
    }
  }
}
