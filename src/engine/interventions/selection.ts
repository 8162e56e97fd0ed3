import { dataTypeFacts } from '../../onnx/dataTypes.js';
import { int64Tensor } from '../../onnx/tensorValue.js';
import type { GraphBuilder } from '../graph/graphBuilder.js';

/** Some indices of one axis; negative ones count from the end. */
export interface AxisSelection {
  readonly axis: number;
  readonly indices: readonly number[];
}

/** Elements whose index is among the chosen ones on every axis that is named; none named means all. */
export type Region = readonly AxisSelection[];

/** Returns a mask of the elements in any of the regions as a bool that broadcasts against the value; sizes are read at run time. */
export function appendRegions(
  builder: GraphBuilder,
  { value, rank }: { readonly value: string; readonly rank: number },
  regions: readonly Region[],
): string {
  const masks = regions.map((region) =>
    joined(
      builder,
      'And',
      region.map((selection) => appendAxisMask(builder, { value, rank }, selection)),
    ),
  );
  return joined(builder, 'Or', masks);
}

/** Combines masks; of none, everything is selected. */
function joined(builder: GraphBuilder, opType: 'And' | 'Or', masks: readonly string[]): string {
  const [first, ...rest] = masks;
  if (first === undefined) return builder.constant({ dtype: 'bool', dims: [], data: Uint8Array.of(1) });
  return rest.reduce((mask, other) => builder.node(opType, [mask, other]), first);
}

/** 1 where the index along the axis is one of the selected: `[size, 1, …]`. */
function appendAxisMask(
  builder: GraphBuilder,
  { value, rank }: { readonly value: string; readonly rank: number },
  { axis, indices }: AxisSelection,
): string {
  const fromStart = axis < 0 ? axis + rank : axis;
  const shape = builder.node('Shape', [value]);
  const scalar = (number: number): string => builder.constant(int64Tensor([number], []));
  const size = builder.node('Gather', [shape, scalar(fromStart)]);
  const range = builder.node('Range', [scalar(0), size, scalar(1)]);
  const wanted = builder.int64s(indices);
  const isNegative = builder.node('Less', [wanted, scalar(0)]);
  const positive = builder.node('Where', [isNegative, builder.node('Add', [wanted, size]), wanted]);
  // [size, 1] against [k]: an index matches when any of the k does.
  const matches = builder.node('Equal', [builder.node('Unsqueeze', [range, builder.int64s([1])]), positive]);
  const ones = builder.cast(matches, dataTypeFacts('float32').code);
  const counts = builder.reduce('ReduceSum', ones, [1], false);
  const mask = builder.node('Greater', [counts, builder.scalar(0)]);
  const trailing = rank - 1 - fromStart;
  if (trailing === 0) return mask;
  return builder.node('Reshape', [mask, builder.int64s([-1, ...new Array<number>(trailing).fill(1)])]);
}
