import type { FileWindow } from './fileWindow.js';
import { malformed, tooLarge } from './modelErrors.js';
import { wireType } from './protobuf.js';

/** A range of the file. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

/** Takes a length-delimited field out of a message; returns false to leave it in. */
export type TakeField = (value: Range) => boolean;

/** What to do with the fields of one kind of message. */
export interface WalkPlan {
  /** Handlers by field number. */
  readonly take: Readonly<Record<number, TakeField>>;
  /** Fields that nobody reads, such as doc strings. */
  readonly skip: ReadonlySet<number>;
  /** Largest single field that may stay in the message. */
  readonly maxFieldBytes: number;
}

/** No exporter comes near; without the limits a small hostile file would fill the memory with empty objects. */
const maxRestBytes = 64 * 1024 * 1024;
const maxRestFields = 4_000_000;

/**
 * Goes through the fields of one message and returns the bytes of those that no handler took: a message of the same
 * kind, small enough to decode.
 *
 * @throws UserError `model-malformed` when the bytes are no protobuf message, `model-too-large` beyond the limits.
 */
export function walkMessage(window: FileWindow, range: Range, plan: WalkPlan): Uint8Array {
  const fields = new FieldReader(window, range);
  const rest = new Collector();
  while (fields.next()) {
    if (plan.skip.has(fields.number)) continue;
    const take = fields.wire === wireType.lengthDelimited ? plan.take[fields.number] : undefined;
    if (take?.({ start: fields.valueStart, end: fields.end }) === true) continue;
    const sizeBytes = fields.end - fields.start;
    if (sizeBytes > plan.maxFieldBytes) throw tooLarge(`a single field of ${sizeBytes} bytes`);
    rest.append(window.bytes(fields.start, sizeBytes));
  }
  return rest.bytes();
}

/** Steps through the fields of a message; its properties are those of the current one. */
class FieldReader {
  number = 0;
  wire = 0;
  start = 0;
  valueStart = 0;
  end: number;

  constructor(
    private readonly window: FileWindow,
    private readonly range: Range,
  ) {
    this.end = range.start;
  }

  next(): boolean {
    if (this.end >= this.range.end) return false;
    this.start = this.end;
    this.valueStart = this.start;
    const tag = this.varint();
    this.number = Math.floor(tag / 8);
    this.wire = tag % 8;
    if (this.number === 0 || this.number > 0x1fffffff) {
      throw malformed(this.at('a field has an impossible number'));
    }
    this.end = this.valueEnd();
    if (this.end > this.range.end) throw malformed(this.at('a field ends after the message it is in'));
    return true;
  }

  private valueEnd(): number {
    switch (this.wire) {
      case wireType.varint: {
        const start = this.valueStart;
        this.varint();
        const end = this.valueStart;
        this.valueStart = start;
        return end;
      }
      case wireType.fixed64:
        return this.valueStart + 8;
      case wireType.lengthDelimited: {
        const length = this.varint();
        return this.valueStart + length;
      }
      case wireType.fixed32:
        return this.valueStart + 4;
      default:
        throw malformed(this.at('a field has an unknown wire type'));
    }
  }

  /** Reads a varint at `valueStart` and moves it behind. Beyond 2⁵³ the value is rounded: lengths of that size fail anyway. */
  private varint(): number {
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 10 && this.valueStart < this.range.end; i++) {
      const byte = this.window.byteAt(this.valueStart++);
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
    throw malformed(this.at('a number does not end'));
  }

  private at(what: string): string {
    return `${what} (at byte ${this.start})`;
  }
}

/** A byte buffer that grows. */
class Collector {
  private buffer = new Uint8Array(256);
  private length = 0;
  private fieldCount = 0;

  append(bytes: Uint8Array): void {
    const needed = this.length + bytes.length;
    this.fieldCount++;
    if (needed > maxRestBytes || this.fieldCount > maxRestFields) {
      throw tooLarge(`a message with ${this.fieldCount} fields and ${needed} bytes besides its weights`);
    }
    if (needed > this.buffer.length) {
      const grown = new Uint8Array(Math.max(needed, this.buffer.length * 2));
      grown.set(this.buffer.subarray(0, this.length));
      this.buffer = grown;
    }
    this.buffer.set(bytes, this.length);
    this.length = needed;
  }

  bytes(): Uint8Array {
    return this.buffer.subarray(0, this.length);
  }
}
