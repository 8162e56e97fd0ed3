import type { Dataset } from './dataset.js';

/** Shapes of one sample by input, batch axis 1 included. */
export type SampleShapes = Readonly<Record<string, readonly number[]>>;

/** Returns the shapes of the first sample, with a batch axis of 1 (or of the model's fixed batch). */
export async function sampleShapesOf(data: Dataset): Promise<SampleShapes> {
  const shapes: Record<string, readonly number[]> = {};
  for await (const batch of data.batches({ batchSize: 1, limit: 1 })) {
    for (const [name, value] of Object.entries(batch.feeds)) shapes[name] = value.dims;
  }
  return shapes;
}
