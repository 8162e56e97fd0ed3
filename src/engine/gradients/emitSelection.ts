import type { Emitter } from './emitter.js';
import type { RuleContext } from './gradientRule.js';

/**
 * Appends the cotangent of any operator that only copies elements of its first operand to places.
 *
 * The operator is replayed on the operand's flat positions, which tells where each result came from; the cotangents are
 * added up there. Exact for repeats, overlaps and operands known at run time only; costs an int64 per element.
 */
export function emitSelection(context: RuleContext, emit: Emitter, g: string): string {
  const { node, builder } = context;
  const [x = '', ...rest] = node.inputs;
  const one = emit.intScalar(1);
  const count = emit.node('Range', [emit.intScalar(0), emit.node('Size', [x]), one]);
  const positions = emit.reshapeLike(count, x);
  const moved = builder.node(node.opType, [positions, ...rest], {
    attributes: Object.fromEntries(node.attributes),
  });
  return emitFlatScatter(emit, { x, positions: moved, g });
}

/** Appends zeros shaped like x with every cotangent added at its flat position. */
export function emitFlatScatter(
  emit: Emitter,
  { x, positions, g }: { readonly x: string; readonly positions: string; readonly g: string },
): string {
  const flat = (value: string): string => emit.reshapeTo(value, [-1]);
  const sums = emit.addedAt(emit.elementCount(x), { places: flat(positions), numbers: flat(g), axis: 0 });
  return emit.reshapeLike(sums, x);
}
