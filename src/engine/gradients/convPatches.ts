import type { ConvChannels, WindowGeometry, WindowSides } from './convGeometry.js';
import { tapOffsets, tapStarts } from './convTaps.js';
import type { Emitter } from './emitter.js';
import type { RuleContext } from './gradientRule.js';
import { spatialSizes } from './staticShapes.js';

/** Maps [N, C, …] and the windows that a convolution slides over them. */
interface PatchOperands {
  readonly maps: string;
  /** The values whose static sizes are those of the maps, and of the convolution's result. */
  readonly sides: WindowSides;
  readonly channels: Pick<ConvChannels, 'group' | 'inPerGroup'>;
  readonly geometry: WindowGeometry;
  /** Whether all taps are to be in one. */
  readonly isWhole: boolean;
}

/** Numbers of a sample that may be copied: larger maps are long rows, which slices take one tap at a time. */
const maxCopied = 2 ** 20;

/** Numbers of a sample up to which all taps are copied at once: more would leave the processor's cache before the product. */
const copiedAtOnce = 2 ** 17;

/**
 * Appends what the taps of the kernel meet, [N · o, taps · C], a position's channels side by side, by one Gather for all or one for each row of
 * the kernel; undefined where sizes are open, channels grouped or maps large.
 *
 * A Gather is shared by threads and leaves few nodes; positions outside of the input read a row of zeros behind it.
 */
export function gatherPatches(
  context: RuleContext,
  emit: Emitter,
  { maps, sides, channels, geometry, isWhole }: PatchOperands,
): readonly string[] | undefined {
  const sizes = copiedSizes(context, { sides, channels, geometry });
  if (sizes === undefined) return undefined;
  const { wide, narrow } = sizes;
  const taps = tapOffsets(geometry.kernel);
  const copied = taps.length * productOf(narrow) * channels.inPerGroup;
  const tapCount = isWhole || copied <= copiedAtOnce ? taps.length : (geometry.kernel.at(-1) ?? 1);
  const groups = Array.from({ length: taps.length / tapCount }, (_, i) =>
    positionsMet(geometry, { taps: taps.slice(i * tapCount, (i + 1) * tapCount), wide, narrow }),
  );
  const size = productOf(wide);
  const positions = emit.transpose(emit.reshapeTo(maps, [0, channels.inPerGroup, size]), [0, 2, 1]);
  const source = groups.some((indices) => indices.includes(size))
    ? emit.node('Pad', [positions, emit.ints([0, 0, 0, 0, 1, 0])])
    : positions;
  return groups.map((data) => {
    const index = emit.constant({ dtype: 'int32', dims: [data.length], data });
    const gathered = emit.node('Gather', [source, index], { axis: 1 });
    return emit.reshapeTo(gathered, [-1, tapCount * channels.inPerGroup]);
  });
}

/**
 * Appends what all taps meet, in the order of a weight: [o · N, C · taps]; undefined as above.
 *
 * Turned as one matrix, [taps, o · N · C]: of many small ones the runtime shares each among its threads.
 */
export function gatherInWeightOrder(
  context: RuleContext,
  emit: Emitter,
  { maps, sides, channels, geometry }: Omit<PatchOperands, 'isWhole'>,
): string | undefined {
  const sizes = copiedSizes(context, { sides, channels, geometry });
  if (sizes === undefined) return undefined;
  const taps = tapOffsets(geometry.kernel);
  const size = productOf(sizes.wide);
  const data = taps.flatMap((tap) => [...positionsMet(geometry, { taps: [tap], ...sizes })]);
  const positions = emit.transpose(emit.reshapeTo(maps, [0, channels.inPerGroup, size]), [2, 0, 1]);
  const source = data.includes(size)
    ? emit.node('Pad', [positions, emit.ints([0, 0, 0, 1, 0, 0])])
    : positions;
  const index = emit.constant({ dtype: 'int32', dims: [data.length], data: Int32Array.from(data) });
  const gathered = emit.reshapeTo(emit.node('Gather', [source, index], { axis: 0 }), [taps.length, -1]);
  return emit.reshapeTo(emit.transpose(gathered, [1, 0]), [-1, channels.inPerGroup * taps.length]);
}

/** Spatial sizes of both sides, undefined where some are open, channels grouped or maps large. */
function copiedSizes(
  context: RuleContext,
  { sides, channels, geometry }: Pick<PatchOperands, 'sides' | 'channels' | 'geometry'>,
): Pick<Windows, 'wide' | 'narrow'> | undefined {
  const wide = spatialSizes(context, sides.wide, geometry.kernel.length);
  const narrow = spatialSizes(context, sides.narrow, geometry.kernel.length);
  if (wide === undefined || narrow === undefined || channels.group !== 1) return undefined;
  const copied = productOf(geometry.kernel) * productOf(narrow) * channels.inPerGroup;
  return copied > maxCopied ? undefined : { wide, narrow };
}

interface Windows {
  readonly taps: readonly (readonly number[])[];
  /** Spatial sizes of the input and of the output. */
  readonly wide: readonly number[];
  readonly narrow: readonly number[];
}

/** For every position of the output, last axis fastest, the position of the input that each tap meets; the input's size outside. */
function positionsMet(geometry: WindowGeometry, { taps, wide, narrow }: Windows): Int32Array {
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

function productOf(sizes: readonly number[]): number {
  return sizes.reduce((product, size) => product * size, 1);
}
