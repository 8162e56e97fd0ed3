import { measureTypes } from '../../../engine/runtime/measureTypes.js';
import type { Feeds } from '../../../engine/runtime/session.js';
import type { ValueType } from '../../../onnx/model.js';
import { inferTypes } from '../../../onnx/shapes/inferTypes.js';
import type { TypeTable } from '../../../onnx/shapes/typeTable.js';
import type { AnalysisContext } from '../../analysis.js';
import { fixedBatchSize } from '../../shared/fixedBatch.js';
import { type Rows } from './rows.js';
import { takeRows } from '../../shared/tensorRows.js';

/** Two batch sizes: a dimension that differs between them depends on the batch, wherever it stands. */
const probeSizes = [2, 3] as const;

/**
 * Returns the types of the model's values for rows of these shapes, sizes that depend on the batch left open.
 *
 * Types are inferred; only where that leaves a rank unknown is the model run to measure them.
 */
export async function rowTypes(context: AnalysisContext, rows: Rows): Promise<TypeTable> {
  const { model, runtime } = context;
  const fixed = fixedBatchSize(model);
  const sizes = fixed === undefined ? probeSizes : [fixed];
  const feeds = sizes.map((size) => repeatedRow(rows, size));
  const inferred = merged(feeds.map((each) => inferTypes(model, { inputShapes: shapesOf(each) })));
  const isKnown = model.graph.nodes.every((node) =>
    node.outputs.every((name) => name === '' || hasRank(inferred.get(name))),
  );
  if (isKnown) return inferred;
  const measured: TypeTable[] = [];
  for (const each of feeds) measured.push(await measureTypes(model, runtime, each));
  return new Map([...inferred, ...merged(measured)]);
}

function repeatedRow(rows: Rows, count: number): Feeds {
  const first = new Array<number>(count).fill(0);
  return Object.fromEntries(
    Object.entries(rows.feeds).map(([name, tensor]) => [name, takeRows(tensor, first)]),
  );
}

function shapesOf(feeds: Feeds): Record<string, readonly number[]> {
  return Object.fromEntries(Object.entries(feeds).map(([name, { dims }]) => [name, dims]));
}

function hasRank(type: ValueType | undefined): boolean {
  return type !== undefined && type.kind !== 'unknown' && (type.kind !== 'tensor' || type.shape !== null);
}

function merged(tables: readonly TypeTable[]): TypeTable {
  const [first = new Map<string, ValueType>(), ...others] = tables;
  return new Map(
    [...first].map(([name, type]) => [
      name,
      others.reduce((sum, table) => mergedType(sum, table.get(name)), type),
    ]),
  );
}

function mergedType(a: ValueType, b: ValueType | undefined): ValueType {
  if (a.kind !== 'tensor' || b?.kind !== 'tensor' || a.shape === null || b.shape === null) return a;
  const other = b.shape;
  if (a.shape.length !== other.length) return { ...a, shape: null };
  return { ...a, shape: a.shape.map((size, axis) => (size === other[axis] ? size : null)) };
}
