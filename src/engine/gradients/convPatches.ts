import type { ConvWeightOperands } from './convWeightGradient.js';
import { tapOffsets, tapStarts } from './convTaps.js';
import type { Emitter } from './emitter.js';
import type { RuleContext } from './gradientRule.js';
import { fixedSize } from './staticShapes.js';

/** What some taps of a kernel meet. */
export interface Patches {
  /** [N · o, taps · C] */
  readonly value: string;
  readonly tapCount: number;
}

/** Numbers of a sample that may be copied: larger maps are long rows, which slices take one tap at a time. */
const maxCopied = 2 ** 20;

/** Numbers of a sample up to which all taps are copied at once: more would leave the processor's cache before the product. */
const copiedAtOnce = 2 ** 17;

/**
 * Appends what the taps of the kernel meet, a position's channels side by side, by one Gather for all or one for each row of
 * the kernel; undefined where sizes are open, channels grouped or maps large.
 *
 * A Gather is shared by threads and leaves few nodes; positions outside of the input read a row of zeros behind it.
 */
export function gatherPatches(
  context: RuleContext,
  emit: Emitter,
  operands: ConvWeightOperands & { readonly isWhole: boolean },
): readonly Patches[] | undefined {
  const { x, geometry, channels } = operands;
  const wide = spatialSizes(context, x, geometry.kernel.length);
  const narrow = spatialSizes(context, operands.narrow, geometry.kernel.length);
  if (wide === undefined || narrow === undefined || channels.group !== 1) return undefined;
  const taps = tapOffsets(geometry.kernel);
  const copied = taps.length * productOf(narrow) * channels.inPerGroup;
  if (copied > maxCopied) return undefined;
  const tapCount = operands.isWhole || copied <= copiedAtOnce ? taps.length : (geometry.kernel.at(-1) ?? 1);
  const groups = Array.from({ length: taps.length / tapCount }, (_, i) =>
    positionsMet(operands, { taps: taps.slice(i * tapCount, (i + 1) * tapCount), wide, narrow }),
  );
  const size = productOf(wide);
  const positions = emit.transpose(emit.reshapeTo(x, [0, channels.inPerGroup, size]), [0, 2, 1]);
  const source = groups.some((indices) => indices.includes(size))
    ? emit.node('Pad', [positions, emit.ints([0, 0, 0, 0, 1, 0])])
    : positions;
  return groups.map((data) => {
    const index = emit.constant({ dtype: 'int32', dims: [data.length], data });
    const gathered = emit.node('Gather', [source, index], { axis: 1 });
    return { value: emit.reshapeTo(gathered, [-1, tapCount * channels.inPerGroup]), tapCount };
  });
}

interface Windows {
  readonly taps: readonly (readonly number[])[];
  /** Spatial sizes of the input and of the output. */
  readonly wide: readonly number[];
  readonly narrow: readonly number[];
}

/** For every position of the output, last axis fastest, the position of the input that each tap meets; the input's size outside. */
function positionsMet({ geometry }: ConvWeightOperands, { taps, wide, narrow }: Windows): Int32Array {
  const { strides, padsBegin } = geometry;
  const starts = taps.map((tap) => tapStarts(geometry, tap));
  return Int32Array.from(
    tapOffsets(narrow).flatMap((at) => {
      const first = at.map((index, axis) => index * (strides[axis] ?? 1) - (padsBegin[axis] ?? 0));
      return starts.map((start) => {
        const place = first.map((index, axis) => index + (start[axis] ?? 0));
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
