import { UserError } from '../../../base/errors.js';
import { throwIfAborted, yieldToEventLoop } from '../../../base/abort.js';
import { GraphBuilder } from '../../../engine/graph/graphBuilder.js';
import { prune } from '../../../engine/rewrites/prune.js';
import type { TensorValue } from '../../../onnx/tensorValue.js';
import type { AnalysisContext } from '../../analysis.js';
import { slotBatches } from '../../shared/fixedBatch.js';
import { withRowFeeds } from './heldFeeds.js';
import { type Rows } from './rows.js';
import { concatRows, takeRows } from '../../shared/tensorRows.js';

/** Returns values of the main graph at the rows, by name, in the runtime's element types. */
export async function readValues(
  context: AnalysisContext,
  rows: Rows,
  names: readonly string[],
): Promise<ReadonlyMap<string, TensorValue>> {
  const unique = [...new Set(names)];
  const made = new Set(context.model.graph.nodes.flatMap((node) => node.outputs));
  const inner = unique.filter((name) => made.has(name));
  const found = new Map<string, TensorValue>();
  for (const name of unique) {
    const feed = rows.feeds[name];
    if (feed !== undefined && !made.has(name)) found.set(name, feed);
  }
  if (inner.length === 0) return found;
  const builder = new GraphBuilder(context.model);
  builder.setOutputs(inner);
  const session = await context.runtime.open(prune(builder.build(), inner), { purpose: 'probe' });
  try {
    const parts: Readonly<Record<string, TensorValue>>[] = [];
    for (const { count, slots } of slotBatches(rows.count, context)) {
      throwIfAborted(context.signal);
      const outputs = await session.run(withRowFeeds({}, rows, { session, rowOfPoint: slots }), inner);
      for (const name of inner) requireRows(name, outputs[name], slots.length);
      const kept = Array.from({ length: count }, (_, i) => i);
      parts.push(
        Object.fromEntries(Object.entries(outputs).map(([name, value]) => [name, takeRows(value, kept)])),
      );
      await yieldToEventLoop();
    }
    for (const name of inner) found.set(name, concatRows(parts.map((part) => part[name])));
    return found;
  } finally {
    await session.close();
  }
}

function requireRows(name: string, value: TensorValue | undefined, rowCount: number): void {
  if (value?.dims[0] === rowCount) return;
  throw new UserError(
    'rows-not-first',
    `The value "${name}" has shape [${value?.dims.join(', ') ?? ''}] for ${String(rowCount)} rows: its first axis does not count rows, so its elements cannot be told apart by row. Choose another output or layer.`,
    { detail: { name, shape: value?.dims } },
  );
}
