import { intAttribute, intsAttribute } from '../../../onnx/model.js';
import { windowGeometry, type WindowGeometry, type WindowSides } from '../convGeometry.js';
import { type Emitter, emitterFor } from '../emitter.js';
import { emitWindowSpread } from '../emitWindowSpread.js';
import { gradientNeeds } from '../gradientErrors.js';
import { type GradientRule, latestOpset, type RuleContext } from '../gradientRule.js';
import { fixedSize } from '../staticShapes.js';

/** Gradient of AveragePool: every window shares its g out evenly over the positions that it counted. */
export const averagePoolRule: GradientRule = {
  opType: 'AveragePool',
  domain: '',
  opsets: [11, latestOpset],
  backward(context) {
    const { node } = context;
    const [g] = context.outputCotangents;
    if (g === undefined) return [];
    const emit = emitterFor(context);
    const sides = { wide: node.inputs[0] ?? '', narrow: node.outputs[0] ?? '' };
    const geometry = windowGeometry(context, intsAttribute(node, 'kernel_shape') ?? [], sides);
    const share = emit.div(g, windowCounts(context, emit, { geometry, sides }));
    return [emitWindowSpread(context, emit, { g: share, geometry, sides })];
  },
};

interface Windows {
  readonly geometry: WindowGeometry;
  readonly sides: WindowSides;
}

/** How many positions each window averages, [1, 1, o …] or a scalar. */
function windowCounts(context: RuleContext, emit: Emitter, windows: Windows): string {
  const { geometry, sides } = windows;
  const isPadCounted = intAttribute(context.node, 'count_include_pad', 0) === 1;
  const isRoundedUp = intAttribute(context.node, 'ceil_mode', 0) === 1;
  const hasPads = [...geometry.padsBegin, ...geometry.padsEnd].some((size) => size > 0);
  const elements = geometry.kernel.reduce((product, size) => product * size, 1);
  if (!isRoundedUp && (isPadCounted || !hasPads)) return emit.scalar(elements);
  const counts = geometry.kernel.map((_, axis) => axisCounts(context, windows, { axis, isPadCounted }));
  if (counts.every((count) => count !== undefined)) return countTable(emit, counts);
  if (isRoundedUp) throw gradientNeeds(context.node, `the sizes of "${sides.wide}"`);
  return countsAtRunTime(context, emit, { elements, wide: sides.wide });
}

/** Positions that the windows along one axis count; undefined for unknown sizes. */
function axisCounts(
  context: RuleContext,
  { geometry, sides }: Windows,
  { axis, isPadCounted }: { readonly axis: number; readonly isPadCounted: boolean },
): readonly number[] | undefined {
  const size = fixedSize(context, sides.wide, axis + 2);
  const windowCount = fixedSize(context, sides.narrow, axis + 2);
  if (size === undefined || windowCount === undefined) return undefined;
  const { kernel, strides, dilations, padsBegin, padsEnd } = geometry;
  const first = isPadCounted ? -(padsBegin[axis] ?? 0) : 0;
  const end = size + (isPadCounted ? (padsEnd[axis] ?? 0) : 0);
  return Array.from({ length: windowCount }, (_, window) => {
    const start = window * (strides[axis] ?? 1) - (padsBegin[axis] ?? 0);
    let count = 0;
    for (let tap = 0; tap < (kernel[axis] ?? 1); tap++) {
      const position = start + tap * (dilations[axis] ?? 1);
      if (position >= first && position < end) count++;
    }
    return count;
  });
}

/** The product of the counts along each axis, [1, 1, o …]. */
function countTable(emit: Emitter, counts: readonly (readonly number[])[]): string {
  const table = counts.reduce<readonly number[]>(
    (outer, along) => outer.flatMap((count) => along.map((other) => count * other)),
    [1],
  );
  const dims = [1, 1, ...counts.map((along) => along.length)];
  const data = Float32Array.from(table);
  const single = emit.constant({ dtype: 'float32', dims, data });
  return emit.elementType === 'float32' ? single : emit.castTo(single, emit.elementType);
}

/** Averaging ones with the padding counted as zeros gives counted/elements. */
function countsAtRunTime(
  { node, builder }: RuleContext,
  emit: Emitter,
  { elements, wide }: { readonly elements: number; readonly wide: string },
): string {
  const shape = emit.concat([emit.ints([1, 1]), emit.shape(wide, 2)], 0);
  const share = builder.node('AveragePool', [emit.ones(shape)], {
    attributes: { ...Object.fromEntries(node.attributes), count_include_pad: 1 },
  });
  return emit.scale(share, elements);
}
