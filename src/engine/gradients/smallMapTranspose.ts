import type { ConvTransposeOperands } from './convInputGradient.js';
import { gatherPatches } from './convPatches.js';
import type { Emitter } from './emitter.js';
import type { RuleContext } from './gradientRule.js';
import { spatialSizes } from './staticShapes.js';

/** Positions of a map up to which a product reads less than a convolution, which reads its weight for each sample. */
const largestMap = 64;

/** Elements of a weight that no processor core keeps in its cache from one sample to the next. */
const smallestWeight = 2 ** 20;

/**
 * Appends the transpose of a convolution with stride 1 as one product for all samples, [N · i, taps · M] × [taps · M, C];
 * undefined where a convolution takes less time.
 *
 * Measured with 512² × 9 weights on one thread: 0.75 of the convolution's time at 4², batch 4, and 0.93 at 7²; with 256² × 9 more than it.
 */
export function emitSmallMapTranspose(
  context: RuleContext,
  emit: Emitter,
  operands: ConvTransposeOperands,
): string | undefined {
  const { g, weight, channels, geometry, sides } = operands;
  const { outPerGroup, inPerGroup } = channels;
  const taps = product(geometry.kernel);
  const wide = spatialSizes(context, sides.wide, geometry.kernel.length);
  if (operands.isWeightFixed !== true || wide === undefined) return undefined;
  if (product(wide) > largestMap || taps * outPerGroup * inPerGroup < smallestWeight) return undefined;
  // Position i of the input meets g at i + pad − t·d by tap t.
  const negative = (numbers: readonly number[]): readonly number[] => numbers.map((number) => -number);
  const patches = gatherPatches(context, emit, {
    maps: g,
    sides: { wide: sides.narrow, narrow: sides.wide },
    channels: { group: channels.group, inPerGroup: outPerGroup },
    geometry: {
      ...geometry,
      dilations: negative(geometry.dilations),
      padsBegin: negative(geometry.padsBegin),
    },
    isWhole: true,
  });
  const [met] = patches ?? [];
  if (met === undefined) return undefined;
  const turned = emit.transpose(emit.reshapeTo(weight, [outPerGroup, inPerGroup, taps]), [2, 0, 1]);
  const matrix = emit.reshapeTo(turned, [taps * outPerGroup, inPerGroup]);
  const rows = emit.reshapeTo(emit.node('MatMul', [met, matrix]), [-1, product(wide), inPerGroup]);
  return emit.reshapeTo(emit.transpose(rows, [0, 2, 1]), [-1, inPerGroup, ...wide]);
}

function product(sizes: readonly number[]): number {
  return sizes.reduce((total, size) => total * size, 1);
}
