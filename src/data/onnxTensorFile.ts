import { readFile } from 'node:fs/promises';
import { decodeTensor } from '../onnx/decodeTensor.js';
import { loadTensor } from '../onnx/loadTensor.js';
import { decodeMessage, TensorProtoSchema } from '../onnx/protobuf.js';
import type { TensorValue } from '../onnx/tensorValue.js';
import { dataMalformed } from './dataErrors.js';

/** A tensor of a test data file, with the name it was given there (often empty). */
export interface NamedTensor {
  readonly name: string;
  readonly value: TensorValue;
}

/**
 * Reads a serialized TensorProto, such as `input_0.pb` of an ONNX test data set.
 *
 * @throws UserError `data-malformed`.
 */
export async function readTensorFile(path: string): Promise<NamedTensor> {
  // Not a Buffer: its `slice` is a view, and tensors rely on copies that are aligned.
  const bytes = new Uint8Array(await readFile(path));
  try {
    const tensor = decodeTensor(decodeMessage(TensorProtoSchema, bytes), {
      path,
      locate: (location) => {
        throw dataMalformed(path, `its elements are in another file (${location})`);
      },
      warn: () => undefined,
    });
    return { name: tensor.name, value: await loadTensor(tensor) };
  } catch (cause) {
    throw dataMalformed(path, 'it is no ONNX tensor (TensorProto)', { cause });
  }
}
