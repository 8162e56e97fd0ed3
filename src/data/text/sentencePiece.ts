/** What a piece of a SentencePiece model is. */
export type PieceKind = 'normal' | 'unknown' | 'control' | 'user-defined' | 'unused' | 'byte';

/** A piece of text that has an id, by place. */
export interface SentencePiece {
  readonly text: string;
  readonly score: number;
  readonly kind: PieceKind;
}

/** What a SentencePiece `.model` file holds, as far as encoding needs it. */
export interface SentencePieceModel {
  readonly pieces: readonly SentencePiece[];
  readonly algorithm: 'unigram' | 'bpe' | 'word' | 'char';
  /** Whether text without a piece becomes pieces of its bytes. */
  readonly hasByteFallback: boolean;
  readonly unknownId: number;
  /** Ids that begin and end a sequence; −1 where there are none. */
  readonly beginId: number;
  readonly endId: number;
  /** `nmt_nfkc`, `identity` … */
  readonly normalization: string;
  readonly addsSpace: boolean;
  readonly removesSpaces: boolean;
}

const kinds: readonly PieceKind[] = ['normal', 'unknown', 'control', 'user-defined', 'unused', 'byte'];
const algorithms: readonly SentencePieceModel['algorithm'][] = ['unigram', 'bpe', 'word', 'char'];

/**
 * Reads a SentencePiece model: the protobuf message `ModelProto` of sentencepiece_model.proto.
 *
 * @throws Error when the bytes are no such message.
 */
export function readSentencePiece(bytes: Uint8Array): SentencePieceModel {
  const model = fieldsOf(bytes);
  const trainer = fieldsOf(lastBytes(model, 2));
  const normalizer = fieldsOf(lastBytes(model, 3));
  const pieces = (model.get(1) ?? []).map((value) => pieceOf(fieldsOf(asBytes(value))));
  if (pieces.length === 0) throw new Error('it holds no pieces');
  const algorithm = algorithms[lastNumber(trainer, 3, 1) - 1];
  if (algorithm === undefined) throw new Error('its kind of model is not known');
  return {
    pieces,
    algorithm,
    hasByteFallback: lastNumber(trainer, 35, 0) === 1,
    unknownId: lastNumber(trainer, 40, 0),
    beginId: lastNumber(trainer, 41, 1),
    endId: lastNumber(trainer, 42, 2),
    normalization: decoder.decode(lastBytes(normalizer, 1)),
    addsSpace: lastNumber(normalizer, 3, 1) === 1,
    removesSpaces: lastNumber(normalizer, 4, 1) === 1,
  };
}

function pieceOf(fields: Fields): SentencePiece {
  const score = fields.get(2)?.at(-1);
  const kind = kinds[lastNumber(fields, 3, 1) - 1] ?? 'normal';
  return { text: decoder.decode(lastBytes(fields, 1)), score: typeof score === 'number' ? score : 0, kind };
}

const decoder = new TextDecoder();

/** Values by field number: whole numbers as bigint (int32 negative ones as 64 bits), float32 as number, the rest as bytes. */
type Fields = ReadonlyMap<number, readonly (bigint | number | Uint8Array)[]>;

function fieldsOf(bytes: Uint8Array): Fields {
  const fields = new Map<number, (bigint | number | Uint8Array)[]>();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let at = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++];
      if (byte === undefined || shift > 63n) throw new Error('it is cut off');
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  };
  const take = (size: number): number => {
    const start = at;
    at += size;
    if (at > bytes.length) throw new Error('it is cut off');
    return start;
  };
  const valueOf = (wire: number): bigint | number | Uint8Array => {
    if (wire === 0) return varint();
    if (wire === 1) return view.getFloat64(take(8), true);
    if (wire === 5) return view.getFloat32(take(4), true);
    if (wire !== 2) throw new Error('it is no protobuf message');
    const size = Number(varint());
    const start = take(size);
    return bytes.subarray(start, start + size);
  };
  while (at < bytes.length) {
    const key = Number(varint());
    const values = fields.get(key >>> 3) ?? [];
    fields.set(key >>> 3, values);
    values.push(valueOf(key & 7));
  }
  return fields;
}

function lastNumber(fields: Fields, field: number, otherwise: number): number {
  const value = fields.get(field)?.at(-1);
  return typeof value === 'bigint' ? Number(BigInt.asIntN(32, value)) : otherwise;
}

function lastBytes(fields: Fields, field: number): Uint8Array {
  return asBytes(fields.get(field)?.at(-1) ?? new Uint8Array());
}

function asBytes(value: bigint | number | Uint8Array): Uint8Array {
  if (value instanceof Uint8Array) return value;
  throw new Error('a field is of another type');
}
