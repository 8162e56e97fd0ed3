import type { GraphBuilder } from '../../../engine/graph/graphBuilder.js';
import type { Feeds } from '../../../engine/runtime/session.js';
import { float32Tensor, int64Tensor } from '../../../onnx/tensorValue.js';

/**
 * Which number of a value is explained: one element per row, or a unit summed over all of its positions.
 *
 * `indices` leaves out the row axis.
 */
export type Selection =
  | { readonly kind: 'element'; readonly value: string; readonly indices: readonly (readonly number[])[] }
  | {
      readonly kind: 'unit';
      readonly value: string;
      readonly axis: number;
      readonly unit: number;
      readonly dims: readonly number[];
    };

/** Values that a selection adds to a graph. */
export interface SelectedValues {
  /** The explained number f per row, float32 `[N]`. */
  readonly selected: string;
  /** ∂f/∂value: one at what is selected, zero elsewhere. */
  readonly cotangent: string;
}

/** Graph input with the index of the explained element per row, int64 `[N, rank]`. */
export const indexInputName = 'ni/index';

const float32Code = 1;

/** Appends f and its cotangent at the selected value. */
export function addSelection(builder: GraphBuilder, selection: Selection): SelectedValues {
  return selection.kind === 'element' ? addElement(builder, selection) : addUnit(builder, selection);
}

/** Returns what must be fed beside the model's inputs for the given rows, one per point of the batch. */
export function selectionFeeds(selection: Selection, rows: readonly number[]): Feeds {
  if (selection.kind === 'unit') return {};
  const rank = (selection.indices[0]?.length ?? 0) + 1;
  const flat = rows.flatMap((row, point) => [point, ...(selection.indices[row] ?? [])]);
  return { [indexInputName]: int64Tensor(flat, [rows.length, rank]) };
}

function addElement(
  builder: GraphBuilder,
  selection: Extract<Selection, { readonly kind: 'element' }>,
): SelectedValues {
  const rank = (selection.indices[0]?.length ?? 0) + 1;
  const index = builder.addInput(indexInputName, {
    kind: 'tensor',
    elementType: 'int64',
    shape: [null, rank],
  });
  const element = builder.node('GatherND', [selection.value, index]);
  const zeros = builder.node('ConstantOfShape', [builder.node('Shape', [selection.value])]);
  const ones = builder.node('Expand', [builder.scalar(1), builder.node('Shape', [element])]);
  // ScatterND of ones at the explained elements is the transpose of GatherND.
  const scattered = builder.node('ScatterND', [zeros, index, ones]);
  return {
    selected: builder.cast(element, float32Code),
    cotangent: builder.node('CastLike', [scattered, selection.value]),
  };
}

function addUnit(
  builder: GraphBuilder,
  { value, axis, unit, dims }: Extract<Selection, { readonly kind: 'unit' }>,
): SelectedValues {
  const mask = unitMask(builder, { axis, unit, dims });
  const masked = builder.node('Expand', [mask, builder.node('Shape', [value])]);
  const scalarIndex = builder.constant(int64Tensor([unit], []));
  const atUnit = builder.node('Gather', [value, scalarIndex], { attributes: { axis } });
  const positions = dims.slice(2).map((_, i) => i + 1);
  const summed = positions.length === 0 ? atUnit : builder.reduce('ReduceSum', atUnit, positions, false);
  return {
    selected: builder.cast(summed, float32Code),
    cotangent: builder.node('CastLike', [masked, value]),
  };
}

/** Adds a constant that is one at a unit and, when given, a position, and zero elsewhere; `dims` include the row axis. */
export function unitMask(
  builder: GraphBuilder,
  options: {
    readonly axis: number;
    readonly unit: number;
    readonly dims: readonly number[];
    readonly position?: readonly number[] | undefined;
  },
): string {
  const { axis, unit, position } = options;
  const shape = options.dims.map((dim, i) => (i === axis || (position !== undefined && i > 0) ? dim : 1));
  const index =
    position === undefined
      ? shape.map((_, i) => (i === axis ? unit : 0))
      : [0, ...fullIndex(axis, unit, position)];
  const data = new Float32Array(shape.reduce((product, dim) => product * dim, 1));
  data[index.reduce((flat, at, i) => flat * (shape[i] ?? 1) + at, 0)] = 1;
  return builder.constant(float32Tensor(data, shape), 'ni/mask');
}

/** Returns the index of a unit at a position, without the row axis. */
export function fullIndex(axis: number, unit: number, position: readonly number[]): number[] {
  return [...position.slice(0, axis - 1), unit, ...position.slice(axis - 1)];
}
