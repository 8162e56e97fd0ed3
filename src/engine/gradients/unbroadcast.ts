import type { Dimension } from '../../onnx/model.js';
import type { Emitter } from './emitter.js';

/** A cotangent and the value it belongs to, with their shapes as far as known. */
export interface BroadcastCotangent {
  readonly value: string;
  readonly from: readonly Dimension[];
  readonly target: string;
  readonly to: readonly Dimension[];
}

/**
 * Returns a cotangent summed over the axes along which its value was broadcast, so that both have one shape.
 *
 * Sizes that are unknown on both sides are compared at run time.
 */
export function unbroadcast(emit: Emitter, { value, from, target, to }: BroadcastCotangent): string {
  const lead = from.length - to.length;
  const added = Array.from({ length: Math.max(0, lead) }, (_, i) => i);
  const stretched: number[] = [];
  const uncertain: number[] = [];
  to.forEach((size, i) => {
    const wide = from[i + lead];
    if (size === wide && size !== null) return;
    if (size === 1) stretched.push(i + lead);
    else if (typeof size !== 'number') uncertain.push(i);
  });
  if (uncertain.length > 0) return sumAtRunTime(emit, { value, added, target });
  if (stretched.length === 0) return emit.sum(value, added, false);
  return emit.squeeze(emit.sum(value, [...added, ...stretched], true), added);
}

function sumAtRunTime(
  emit: Emitter,
  { value, added, target }: { value: string; added: readonly number[]; target: string },
): string {
  const sameRank = emit.sum(value, added, false);
  const differs = emit.node('Not', [emit.node('Equal', [emit.shape(sameRank), emit.shape(target)])]);
  // NonZero returns [rank of its input = 1, count]; no axes at all must mean "sum nothing".
  const axes = emit.squeeze(emit.node('NonZero', [differs]), [0]);
  return emit.node('ReduceSum', [sameRank, axes], { keepdims: 1, noop_with_empty_axes: 1 });
}
