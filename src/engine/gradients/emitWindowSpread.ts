import type { WindowGeometry, WindowSides } from './convGeometry.js';
import { emitConvTranspose } from './convInputGradient.js';
import type { Emitter } from './emitter.js';
import type { RuleContext } from './gradientRule.js';
import { fixedSize } from './staticShapes.js';

/** What a pooling window hands back: one number per window, g [N, C, o …]. */
export interface WindowSpread {
  readonly g: string;
  readonly geometry: WindowGeometry;
  readonly sides: WindowSides;
}

/** Appends Σ over the windows that contain a position of their number: the transpose of summing over windows. */
export function emitWindowSpread(context: RuleContext, emit: Emitter, spread: WindowSpread): string {
  return isTiling(context, spread) ? tiled(emit, spread) : overlapping(context, emit, spread);
}

/** Windows side by side that cover everything once: every number is just repeated. */
function isTiling(context: RuleContext, { geometry, sides }: WindowSpread): boolean {
  const { kernel, strides, dilations, padsBegin, padsEnd } = geometry;
  return kernel.every((size, axis) => {
    const wide = fixedSize(context, sides.wide, axis + 2);
    const narrow = fixedSize(context, sides.narrow, axis + 2);
    if (wide === undefined || narrow === undefined) return false;
    const isPlain = padsBegin[axis] === 0 && padsEnd[axis] === 0 && dilations[axis] === 1;
    return isPlain && strides[axis] === size && wide === narrow * size;
  });
}

/** Repeats up to which copies are joined: the runtime's Expand takes ten times as long along the last axes. */
const joinedRepeats = 8;

/** [N, C, o …] → [N, C, o, 1, …] → [N, C, o, k, …] → shape of x */
function tiled(emit: Emitter, { g, geometry, sides }: WindowSpread): string {
  const { kernel } = geometry;
  let repeated = emit.unsqueeze(
    g,
    kernel.map((_, axis) => 2 * axis + 3),
  );
  if (kernel.some((size) => size > joinedRepeats)) {
    repeated = emit.node('Expand', [repeated, emit.ints([1, 1, ...kernel.flatMap((size) => [1, size])])]);
  } else {
    // From the last axis on: what is copied later is copied in longer pieces.
    for (const [axis, size] of [...kernel.entries()].reverse()) {
      const copies = new Array<string>(size).fill(repeated);
      repeated = emit.concat(copies, 2 * axis + 3);
    }
  }
  return emit.reshapeLike(repeated, sides.wide);
}

function overlapping(context: RuleContext, emit: Emitter, { g, geometry, sides }: WindowSpread): string {
  // One channel at a time, as a batch of N·C, so that the channel count need not be known.
  const single = emit.concat([emit.ints([-1, 1]), emit.shape(g, 2)], 0);
  const ones = emit.ones(emit.ints([1, 1, ...geometry.kernel]));
  const spread = emitConvTranspose(context, emit, {
    g: emit.reshape(g, single),
    weight: ones,
    channels: { group: 1, outPerGroup: 1, inPerGroup: 1 },
    geometry,
    sides,
  });
  return emit.reshapeLike(spread, sides.wide);
}
