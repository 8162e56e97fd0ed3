import { spearman } from '../../../engine/numeric/rankCorrelation.js';
import { toFloat64 } from '../../../onnx/tensorValue.js';
import type { AnalysisContext } from '../../analysis.js';
import type { EmbeddingTable } from './tables.js';

/** How often the data read each row of a table. */
export interface Usage {
  /** Reads of each row. */
  readonly counts: Float64Array;
  readonly unusedCount: number;
  /** Spearman's rank correlation of reads and norms; NaN where one of them does not vary. */
  readonly normCorrelation: number;
  readonly sampleCount: number;
}

/**
 * Returns how often each row was read, by table; a table whose rows no input names as they are has none.
 *
 * Negative numbers count from the end, as Gather takes them; numbers outside of the table are left out.
 */
export async function measureUsage(
  context: AnalysisContext,
  tables: readonly EmbeddingTable[],
  norms: ReadonlyMap<EmbeddingTable, Float64Array>,
): Promise<ReadonlyMap<EmbeddingTable, Usage>> {
  const { data, batchSize, signal, limit } = context;
  const counted = tables.filter(({ inputs }) => inputs.length > 0);
  if (data === undefined || counted.length === 0) return new Map();
  const counts = new Map(counted.map((table) => [table, new Float64Array(table.rowCount)]));
  const total = Math.min(limit ?? Infinity, data.sampleCount);
  let sampleCount = 0;
  for await (const { feeds, sampleCount: size } of data.batches(
    { batchSize, ...(limit === undefined ? {} : { limit }) },
    signal,
  )) {
    for (const [table, reads] of counts) {
      for (const input of table.inputs) {
        const ids = feeds[input];
        if (ids !== undefined) addReads(reads, toFloat64(ids));
      }
    }
    sampleCount += size;
    context.progress({
      fractionDone: sampleCount / Math.max(1, total),
      message: `Sample ${sampleCount} of ${total}`,
    });
  }
  return new Map(
    [...counts].map(([table, reads]) => {
      const unusedCount = reads.reduce((count, reading) => count + (reading === 0 ? 1 : 0), 0);
      const normCorrelation = spearman(reads, norms.get(table) ?? []);
      return [table, { counts: reads, unusedCount, normCorrelation, sampleCount }];
    }),
  );
}

function addReads(reads: Float64Array, ids: Float64Array): void {
  for (const id of ids) {
    const row = id < 0 ? id + reads.length : id;
    if (row >= 0 && row < reads.length) reads[row] = (reads[row] ?? 0) + 1;
  }
}
