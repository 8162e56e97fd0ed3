/** How a WAV file of a test is written. */
export interface WavOptions {
  readonly sampleRate?: number;
  readonly encoding?: 'integer' | 'float';
  readonly bits?: number;
  /** Writes the format in the extensible form. */
  readonly isExtensible?: boolean;
  /** Chunks before the samples: name and content. */
  readonly before?: readonly (readonly [string, Uint8Array])[];
  /** What the header says of the samples' size, where it is not their size. */
  readonly dataSize?: number;
}

/** Returns a WAV file with one array of stored numbers (levels of integers, or floats) per channel. */
export function wavBytes(channels: readonly (readonly number[])[], options: WavOptions = {}): Buffer {
  const { encoding = 'integer', bits = 16 } = options;
  const frameCount = channels[0]?.length ?? 0;
  const size = bits / 8;
  const data = Buffer.alloc(frameCount * channels.length * size);
  for (let frame = 0; frame < frameCount; frame++) {
    for (const [channel, values] of channels.entries()) {
      writeNumber(data, (frame * channels.length + channel) * size, {
        value: values[frame] ?? 0,
        encoding,
        bits,
      });
    }
  }
  const fmt = formatChunk(channels.length, options);
  const chunks = [
    chunk('fmt ', fmt),
    ...(options.before ?? []).map(([id, content]) => chunk(id, content)),
    chunk('data', data, options.dataSize),
  ];
  const body = Buffer.concat([Buffer.from('WAVE', 'latin1'), ...chunks]);
  return chunk('RIFF', body);
}

function writeNumber(
  into: Buffer,
  at: number,
  { value, encoding, bits }: { readonly value: number; readonly encoding: string; readonly bits: number },
): void {
  if (encoding === 'float') {
    if (bits === 32) into.writeFloatLE(value, at);
    else into.writeDoubleLE(value, at);
  } else if (bits === 8) into.writeUInt8(value, at);
  else into.writeIntLE(value, at, bits / 8);
}

function formatChunk(channelCount: number, options: WavOptions): Buffer {
  const { sampleRate = 8000, encoding = 'integer', bits = 16, isExtensible = false } = options;
  const fmt = Buffer.alloc(isExtensible ? 40 : 16);
  const code = encoding === 'integer' ? 1 : 3;
  fmt.writeUInt16LE(isExtensible ? 0xfffe : code, 0);
  fmt.writeUInt16LE(channelCount, 2);
  fmt.writeUInt32LE(sampleRate, 4);
  fmt.writeUInt32LE((sampleRate * channelCount * bits) / 8, 8);
  fmt.writeUInt16LE((channelCount * bits) / 8, 12);
  fmt.writeUInt16LE(bits, 14);
  if (isExtensible) {
    fmt.writeUInt16LE(22, 16);
    fmt.writeUInt16LE(bits, 18);
    fmt.writeUInt16LE(code, 24);
  }
  return fmt;
}

function chunk(id: string, content: Uint8Array, size = content.length): Buffer {
  const header = Buffer.alloc(8);
  header.write(id, 0, 'latin1');
  header.writeUInt32LE(size, 4);
  return Buffer.concat([header, content, Buffer.alloc(content.length % 2)]);
}
