import type { DataType } from '../../src/onnx/dataTypes.js';
import type { Dimension, Model, ValueInfo } from '../../src/onnx/model.js';
import type { Dataset } from '../../src/data/dataset.js';
import { toFloat64 } from '../../src/onnx/tensorValue.js';
import { emptyModel } from './modelBuilder.js';

type Shape = readonly Dimension[];

function info(name: string, shape: Shape, elementType: DataType = 'float32'): ValueInfo {
  return { name, type: { kind: 'tensor', elementType, shape }, metadata: new Map() };
}

/** Returns a model without nodes that takes inputs of these shapes and gives `y` [N, classCount]. */
export function dataModel(
  inputs: Readonly<Record<string, Shape>>,
  options: { classCount?: number; types?: Readonly<Record<string, DataType>> } = {},
): Model {
  const model = emptyModel();
  return {
    ...model,
    graph: {
      ...model.graph,
      inputs: Object.entries(inputs).map(([name, shape]) => info(name, shape, options.types?.[name])),
      outputs: [info('y', ['N', options.classCount ?? 10])],
    },
  };
}

/** What a data set feeds, batch by batch, as plain numbers. */
export interface ReadBatch {
  readonly ids: readonly string[];
  readonly firstIndex: number;
  readonly labels: number[] | undefined;
  readonly feeds: Record<string, { readonly dims: readonly number[]; readonly values: readonly number[] }>;
}

/** Reads batches to plain numbers. */
export async function readAll(
  data: Dataset,
  options: Parameters<Dataset['batches']>[0] = { batchSize: 100 },
): Promise<ReadBatch[]> {
  const batches: ReadBatch[] = [];
  for await (const batch of data.batches(options)) {
    const feeds = Object.entries(batch.feeds).map(
      ([name, value]) => [name, { dims: value.dims, values: [...toFloat64(value)] }] as const,
    );
    const labels = batch.labels === undefined ? undefined : [...batch.labels];
    batches.push({ ids: batch.ids, firstIndex: batch.firstIndex, labels, feeds: Object.fromEntries(feeds) });
  }
  return batches;
}
