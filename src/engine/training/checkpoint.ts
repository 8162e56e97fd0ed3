import { type DataType, dataTypeFacts } from '../../onnx/dataTypes.js';
import { loadTensor } from '../../onnx/loadTensor.js';
import type { TensorValue } from '../../onnx/tensorValue.js';
import type { TrainingPlace } from './epochs.js';
import { malformedCheckpoint } from './trainingErrors.js';

/** Everything that training needs to go on as if it had never stopped. */
export interface Checkpoint extends TrainingPlace {
  /** Parameters, running statistics and the optimiser's slots, by input name. */
  readonly states: ReadonlyMap<string, TensorValue>;
}

const metadataKey = '__metadata__';
const lengthSizeBytes = 8;

interface StoredTensor {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

/**
 * Returns a checkpoint as bytes in the safetensors layout: the length of a JSON header, the header, the tensors' elements.
 *
 * The tensors can be read by any reader of that format; where training stands is in the header's metadata.
 */
export function encodeCheckpoint(checkpoint: Checkpoint): Uint8Array {
  const { states, ...place } = checkpoint;
  const header: Record<string, unknown> = { [metadataKey]: { training: JSON.stringify(place) } };
  const parts: Uint8Array[] = [];
  let offset = 0;
  for (const [name, value] of states) {
    const bytes = bytesOf(value);
    const stored: StoredTensor = {
      dtype: storedTypes[value.dtype] ?? value.dtype,
      shape: value.dims,
      data_offsets: [offset, offset + bytes.length],
    };
    header[name] = stored;
    parts.push(bytes);
    offset += bytes.length;
  }
  const text = JSON.stringify(header);
  const json = new TextEncoder().encode(text + ' '.repeat(-Buffer.byteLength(text) & 7));
  const length = new Uint8Array(lengthSizeBytes);
  new DataView(length.buffer).setBigUint64(0, BigInt(json.length), true);
  return new Uint8Array(Buffer.concat([length, json, ...parts]));
}

const storedTypes: Partial<Record<DataType, string>> = { float32: 'F32', float64: 'F64', int64: 'I64' };

function bytesOf({ data }: TensorValue): Uint8Array {
  if (Array.isArray(data)) throw new Error('Training has no states of strings.');
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

/**
 * Returns the checkpoint that bytes hold.
 *
 * @throws UserError `malformed-checkpoint`.
 */
export async function decodeCheckpoint(bytes: Uint8Array): Promise<Checkpoint> {
  if (bytes.length < lengthSizeBytes) throw malformedCheckpoint('it is shorter than its first field');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const start = lengthSizeBytes + Number(view.getBigUint64(0, true));
  if (start > bytes.length) throw malformedCheckpoint('its header is cut off');
  const header = parseHeader(bytes.subarray(lengthSizeBytes, start));
  const { training } = (header[metadataKey] ?? {}) as { readonly training?: string };
  if (training === undefined) throw malformedCheckpoint('its header does not say where training stands');
  const place = JSON.parse(training) as Omit<Checkpoint, 'states'>;
  const states = new Map<string, TensorValue>();
  for (const [name, entry] of Object.entries(header)) {
    if (name === metadataKey) continue;
    const stored = entry as StoredTensor;
    states.set(name, await decodeState(name, stored, bytes.subarray(start)));
  }
  return { ...place, states };
}

function parseHeader(json: Uint8Array): Record<string, unknown> {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(json)) as Record<string, unknown>;
  } catch (cause) {
    throw malformedCheckpoint(`its header is no JSON (${String(cause)})`);
  }
}

function decodeState(name: string, stored: StoredTensor, data: Uint8Array): Promise<TensorValue> {
  const [from, to] = stored.data_offsets;
  if (to > data.length) throw malformedCheckpoint(`the elements of "${name}" are cut off`);
  const elementType = (Object.keys(storedTypes) as DataType[]).find(
    (type) => storedTypes[type] === stored.dtype,
  );
  if (elementType === undefined) throw malformedCheckpoint(`"${name}" has elements of type ${stored.dtype}`);
  const elementCount = stored.shape.reduce((product, dim) => product * dim, 1);
  if ((elementCount * dataTypeFacts(elementType).bits) / 8 !== to - from) {
    throw malformedCheckpoint(`the elements of "${name}" do not fit its shape`);
  }
  // A copy, so that a state never keeps the whole file.
  const source = { kind: 'inline', bytes: data.slice(from, to) } as const;
  return loadTensor({ name, elementType, dims: stored.shape, source });
}
