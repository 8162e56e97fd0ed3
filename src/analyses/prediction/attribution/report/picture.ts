import { crc32, deflateSync } from 'node:zlib';
import type { Picture } from '../../../../protocol/blocks.js';

/** Channels-last pixels in any unit; one channel is grey, three are red, green, blue. */
export interface Pixels {
  readonly width: number;
  readonly height: number;
  readonly channelCount: 1 | 3;
  readonly values: Float64Array;
}

/** Returns pixels as a PNG data URI, the values' own range stretched to 0 … 255. */
export function pictureOf(pixels: Pixels, alt: string): Picture {
  const { width, height, channelCount, values } = pixels;
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  const scale = high > low ? 255 / (high - low) : 0;
  const stride = width * channelCount + 1;
  // Every PNG row starts with its filter type: 0, none.
  const raw = new Uint8Array(stride * height);
  for (const [i, value] of values.entries()) {
    const row = Math.floor(i / (width * channelCount));
    raw[row * stride + 1 + (i % (width * channelCount))] = Math.round((value - low) * scale);
  }
  const png = Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk('IHDR', header(width, height, channelCount)),
    chunk('IDAT', deflateSync(raw)),
    chunk('IEND', new Uint8Array(0)),
  ]);
  return { source: `data:image/png;base64,${png.toString('base64')}`, width, height, alt };
}

function header(width: number, height: number, channelCount: 1 | 3): Uint8Array {
  const bytes = new DataView(new ArrayBuffer(13));
  bytes.setUint32(0, width);
  bytes.setUint32(4, height);
  bytes.setUint8(8, 8);
  // Colour type 0 is grey, 2 is RGB.
  bytes.setUint8(9, channelCount === 1 ? 0 : 2);
  return new Uint8Array(bytes.buffer);
}

function chunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data]);
  const frame = Buffer.alloc(body.length + 8);
  frame.writeUInt32BE(data.length, 0);
  body.copy(frame, 4);
  frame.writeUInt32BE(crc32(body), body.length + 4);
  return frame;
}
