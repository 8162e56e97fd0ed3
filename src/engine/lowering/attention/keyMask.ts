import type { Emitter } from '../../gradients/emitter.js';
import { rankOf } from '../../gradients/staticShapes.js';
import type { Composite } from '../entry.js';
import { emitCount, emitMaskBias } from './scaledDotProduct.js';

/** A mask operand of ONNX Runtime's attention operators. */
export interface KeyMask {
  /** int32: lengths [B], ends and starts [2·B], or whether to keep a key [B, S], [B, T, S], [B, 1, M, M] for M ≥ S. */
  readonly mask: string;
  /** How many rows, queries and keys there are, [1] each. */
  readonly batch: string;
  readonly queryCount: string;
  readonly keyCount: string;
  /** What is added to masked scores. */
  readonly value: number;
}

/** Appends the mask as an addend of the scores [B, heads, T, S]. */
export function emitKeyMask({ context, emit }: Composite, mask: KeyMask): string {
  switch (rankOf(context, mask.mask)) {
    case 1:
      return emitMaskBias(emit, withinLengths(emit, mask), mask.value);
    case 2:
      return kept(emit, mask, [1, 2]);
    case 3:
      return kept(emit, mask, [1]);
    default:
      return kept(emit, { ...mask, mask: ofThisRun(emit, mask) }, []);
  }
}

function kept(emit: Emitter, { mask, value }: KeyMask, axes: readonly number[]): string {
  return emit.unsqueeze(emitMaskBias(emit, emit.castTo(mask, 'bool'), value), axes);
}

/** The part of a mask for the longest text that is about these queries, the last of these keys: [B, 1, T, S]. */
function ofThisRun(emit: Emitter, { mask, queryCount, keyCount }: KeyMask): string {
  const first = emit.sub(keyCount, queryCount);
  const [starts, ends] = [emit.concat([first, emit.ints([0])], 0), emit.concat([keyCount, keyCount], 0)];
  return emit.node('Slice', [mask, starts, ends, emit.ints([2, 3])]);
}

/** Lengths, or ends followed by starts: [B, 1, 1, S]. */
function withinLengths(emit: Emitter, { mask, batch, keyCount }: KeyMask): string {
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
