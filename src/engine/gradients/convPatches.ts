import type { ConvWeightOperands } from './convWeightGradient.js';
import { tapOffsets, tapStarts } from './convTaps.js';
import type { Emitter } from './emitter.js';
import type { RuleContext } from './gradientRule.js';
import { fixedSize } from './staticShapes.js';

/** Numbers of a sample that may be copied: larger maps are long rows, which slices take one tap at a time. */
const maxCopied = 2 ** 20;

/**
 * Appends what every tap of the kernel meets, [taps, o · N, C], by one Gather, as threads share it and few nodes are left; undefined
 * where sizes are open, channels grouped or maps large.
 *
 * A position's channels of all samples lie side by side, so that an index copies N · C numbers; positions outside of the input
 * read a row of zeros behind it.
 */
export function gatherPatches(
  context: RuleContext,
  emit: Emitter,
  operands: ConvWeightOperands,
): string | undefined {
  const { x, geometry, channels } = operands;
  const wide = spatialSizes(context, x, geometry.kernel.length);
  const narrow = spatialSizes(context, operands.narrow, geometry.kernel.length);
  if (wide === undefined || narrow === undefined || channels.group !== 1) return undefined;
  const count = productOf(geometry.kernel);
  if (count * productOf(narrow) * channels.inPerGroup > maxCopied) return undefined;
  const size = productOf(wide);
  const indices = positionsMet(operands, wide, narrow);
  const positions = emit.transpose(emit.reshapeTo(x, [0, channels.inPerGroup, size]), [2, 0, 1]);
  const source = indices.includes(size)
    ? emit.node('Pad', [positions, emit.ints([0, 0, 0, 1, 0, 0])])
    : positions;
  const index = emit.constant({ dtype: 'int32', dims: [indices.length], data: indices });
  return emit.reshapeTo(emit.node('Gather', [source, index]), [count, -1, channels.inPerGroup]);
}

/** For every tap, the position of the input, last axis fastest, that each position of the output meets; the input's size outside. */
function positionsMet(
  { geometry }: ConvWeightOperands,
  wide: readonly number[],
  narrow: readonly number[],
): Int32Array {
  const { kernel, strides, padsBegin } = geometry;
  const windows = tapOffsets(narrow).map((at) =>
    at.map((index, axis) => index * (strides[axis] ?? 1) - (padsBegin[axis] ?? 0)),
  );
  return Int32Array.from(
    tapOffsets(kernel).flatMap((tap) => {
      const starts = tapStarts(geometry, tap);
      return windows.map((window) => {
        const place = window.map((first, axis) => first + (starts[axis] ?? 0));
        const isInside = place.every((index, axis) => index >= 0 && index < (wide[axis] ?? 0));
        return isInside
          ? place.reduce((flat, index, axis) => flat * (wide[axis] ?? 0) + index, 0)
          : productOf(wide);
      });
    }),
  );
}

function spatialSizes(context: RuleContext, value: string, rank: number): readonly number[] | undefined {
  const sizes = Array.from({ length: rank }, (_, axis) => fixedSize(context, value, axis + 2));
  return sizes.every((size) => size !== undefined) ? sizes : undefined;
}

function productOf(sizes: readonly number[]): number {
  return sizes.reduce((product, size) => product * size, 1);
}
