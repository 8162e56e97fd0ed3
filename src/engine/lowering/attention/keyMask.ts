import type { Emitter } from '../../gradients/emitter.js';
import { formUnsupported } from '../../gradients/gradientErrors.js';
import { shapeOf } from '../../gradients/staticShapes.js';
import type { Composite } from '../entry.js';
import { emitCount, emitMaskBias } from './scaledDotProduct.js';

/** A mask operand of ONNX Runtime's attention operators. */
export interface KeyMask {
  /** int32: lengths [B], ends and starts [2·B], or whether to keep a key [B, S], [B, T, S], [B, 1, S′, S′]. */
  readonly mask: string;
  /** How many keys there are, [1]. */
  readonly keyCount: string;
  /** What is added to masked scores. */
  readonly value: number;
}

/** Appends the mask as an addend of the scores [B, heads, T, S]. */
export function emitKeyMask({ context, node, emit }: Composite, batch: string, mask: KeyMask): string {
  const shape = shapeOf(context, mask.mask);
  switch (shape.length) {
    case 1:
      return emitMaskBias(emit, withinLengths(emit, batch, mask), mask.value);
    case 2:
      return kept(emit, mask, [1, 2]);
    case 3:
      return kept(emit, mask, [1]);
    default:
      throw formUnsupported(node, 'a mask of four axes');
  }
}

function kept(emit: Emitter, { mask, value }: KeyMask, axes: readonly number[]): string {
  return emit.unsqueeze(emitMaskBias(emit, emit.castTo(mask, 'bool'), value), axes);
}

/** Lengths, or ends followed by starts: [B, 1, 1, S]. */
function withinLengths(emit: Emitter, batch: string, { mask, keyCount }: KeyMask): string {
  const position = emitCount(emit, keyCount);
  // [ends, starts …] → ends [B, 1]; without starts the second row is the first, and every key is at or after 0.
  const rows = emit.reshape(emit.castTo(mask, 'int64'), emit.concat([emit.ints([-1]), batch], 0));
  const row = (from: number): string =>
    emit.unsqueeze(
      emit.node('Slice', [rows, emit.ints([from]), emit.ints([from + 1]), emit.ints([0])]),
      [-1],
    );
  const isBefore = emit.less(position, emit.squeeze(row(0), [0]));
  const padded = emit.concat([rows, emit.mul(rows, emit.ints([0]))], 0);
  const starts = emit.node('Gather', [padded, emit.intScalar(1)]);
  const isAfter = emit.node('GreaterOrEqual', [position, emit.unsqueeze(starts, [-1])]);
  return emit.unsqueeze(emit.node('And', [isBefore, isAfter]), [1, 2]);
}
