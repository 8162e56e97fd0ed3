import { takeRows } from '../../src/analyses/shared/tensorRows.js';
import type { Dataset } from '../../src/data/dataset.js';
import type { Feeds } from '../../src/engine/runtime/session.js';
import type { TensorData, TensorValue } from '../../src/onnx/tensorValue.js';

/** Returns a data set over tensors in memory, rows along axis 0. */
export function memoryDataset(feeds: Feeds, labels?: readonly number[]): Dataset {
  const sampleCount = Object.values(feeds)[0]?.dims[0] ?? 0;
  return {
    path: '/test/data.npz',
    kind: 'npz',
    sampleCount,
    hasLabels: labels !== undefined,
    warnings: [],
    async *batches({ batchSize, limit = Infinity, order }) {
      const places = order ?? Uint32Array.from({ length: sampleCount }, (_, i) => i);
      const end = Math.min(limit, places.length);
      for (let first = 0; first < end; first += batchSize) {
        const rows = [...places.subarray(first, Math.min(end, first + batchSize))];
        yield await Promise.resolve({
          feeds: Object.fromEntries(
            Object.entries(feeds).map(([name, tensor]) => [name, takeRows(tensor, rows)]),
          ),
          sampleCount: rows.length,
          firstIndex: first,
          ids: rows.map(String),
          ...(labels === undefined ? {} : { labels: Int32Array.from(rows, (row) => labels[row] ?? -1) }),
        });
      }
    },
  };
}

/** Returns rows first … last − 1 of a tensor. */
export function rowsOf(tensor: TensorValue, first: number, last: number): TensorValue {
  const size = tensor.data.length / (tensor.dims[0] ?? 1);
  // Every member of TensorData has slice; the union of their signatures is not callable as one.
  const data = (tensor.data as Float32Array).slice(first * size, last * size) as TensorData;
  return { ...tensor, dims: [last - first, ...tensor.dims.slice(1)], data };
}
