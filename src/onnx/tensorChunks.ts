import { setImmediate } from 'node:timers/promises';
import { dataTypeFacts } from './dataTypes.js';
import { loadTensor } from './loadTensor.js';
import type { Tensor } from './model.js';
import { elementCountOf, toFloat64, type TensorValue } from './tensorValue.js';

/** Elements that are in memory at a time; a multiple of 8, so that packed elements of less than a byte stay whole. */
const chunkElementCount = 1 << 20;

/** Elements as numbers, of whatever type they are stored as. */
export type Numbers = ArrayLike<number>;

/**
 * Yields a tensor's elements as numbers, a million at a time, and lets other work of the process happen in between.
 *
 * @throws UserError as `loadTensor` does.
 */
export async function* tensorChunks(tensor: Tensor): AsyncGenerator<Numbers> {
  const { source, elementType, dims } = tensor;
  const elementCount = elementCountOf(dims);
  const { bits } = dataTypeFacts(elementType);
  // Varints have no fixed places; a size that does not fit the shape is told by reading it whole.
  const isWhole = source.kind !== 'file' || source.sizeBytes !== Math.ceil((elementCount * bits) / 8);
  if (isWhole || elementCount <= chunkElementCount) {
    yield numbersOf(await loadTensor(tensor));
    return;
  }
  for (let start = 0; start < elementCount; start += chunkElementCount) {
    const count = Math.min(chunkElementCount, elementCount - start);
    const offset = source.offset + (start * bits) / 8;
    const range = { ...source, offset, sizeBytes: Math.ceil((count * bits) / 8) };
    yield numbersOf(await loadTensor({ ...tensor, dims: [count], source: range }));
    await setImmediate();
  }
}

/** The elements themselves where they are numbers already, so that large weights are not copied. */
function numbersOf(value: TensorValue): Numbers {
  const { data, dtype } = value;
  const isPlain = /^(float32|float64|u?int(2|4|8|16|32)|bool)$/.test(dtype);
  return isPlain && !Array.isArray(data) && !isBig(data) ? data : toFloat64(value);
}

function isBig(data: TensorValue['data']): data is BigInt64Array | BigUint64Array {
  return data instanceof BigInt64Array || data instanceof BigUint64Array;
}
