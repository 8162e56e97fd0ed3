import { floatAttribute, intAttribute } from '../../../onnx/model.js';
import type { Emitter } from '../../gradients/emitter.js';
import { formUnsupported } from '../../gradients/gradientErrors.js';
import { rankOf } from '../../gradients/staticShapes.js';
import { type Composite, lowering, microsoft } from '../entry.js';

/** A rotation of pairs of features: x [… features], cos and sin [… pairs] that broadcast against it. */
export interface Rotation {
  readonly x: string;
  readonly cos: string;
  readonly sin: string;
  /** Whether features 2i and 2i + 1 form a pair; otherwise i and i + pairs. */
  readonly isInterleaved: boolean;
  /** How many features are turned, if not all. */
  readonly turnedCount?: number;
}

/** Appends (x₁·cos − x₂·sin, x₂·cos + x₁·sin) for the pairs (x₁, x₂); features beyond the turned ones stay. */
export function emitRotation(emit: Emitter, { x, cos, sin, isInterleaved, turnedCount }: Rotation): string {
  const slice = (value: string, from: number | string, to: number | string): string => {
    const bound = (at: number | string): string => (typeof at === 'string' ? at : emit.ints([at]));
    return emit.node('Slice', [value, bound(from), bound(to), emit.ints([-1])]);
  };
  const end = 2 ** 31 - 1;
  const turned = turnedCount === undefined ? x : slice(x, 0, turnedCount);
  const turn = (first: string, second: string): readonly [string, string] => [
    emit.sub(emit.mul(first, cos), emit.mul(second, sin)),
    emit.add(emit.mul(second, cos), emit.mul(first, sin)),
  ];
  const rest = turnedCount === undefined ? [] : [slice(x, turnedCount, end)];
  if (isInterleaved) {
    const every = (from: number): string =>
      emit.node('Slice', [turned, emit.ints([from]), emit.ints([end]), emit.ints([-1]), emit.ints([2])]);
    const [first, second] = turn(every(0), every(1));
    const pairs = emit.concat([emit.unsqueeze(first, [-1]), emit.unsqueeze(second, [-1])], -1);
    return emit.concat([emit.reshapeLike(pairs, turned), ...rest], -1);
  }
  const half = turnedCount === undefined ? emit.shape(cos, -1) : emit.ints([turnedCount / 2]);
  const [first, second] = turn(slice(turned, 0, half), slice(turned, half, end));
  return emit.concat([first, second, ...rest], -1);
}

interface Turned {
  readonly x: string;
  /** [B, T, pairs] or [1, T, pairs] */
  readonly cos: string;
  readonly sin: string;
}

/** x [B, T, heads·features] or [B, heads, T, features] */
function turnHeads({ context, node, emit }: Composite, { x, cos, sin }: Turned): string {
  const isInterleaved = intAttribute(node, 'interleaved', 0) === 1;
  const turnedCount = intAttribute(node, 'rotary_embedding_dim', 0);
  const headCount = intAttribute(node, 'num_heads', 0);
  const isFlat = rankOf(context, x) === 3;
  const axis = isFlat ? 2 : 1;
  const heads = isFlat ? splitHeads(emit, { x, cos, headCount }) : x;
  const turned = emitRotation(emit, {
    x: heads,
    cos: emit.unsqueeze(cos, [axis]),
    sin: emit.unsqueeze(sin, [axis]),
    isInterleaved,
    ...(turnedCount > 0 ? { turnedCount } : {}),
  });
  return isFlat ? emit.reshapeLike(turned, x) : turned;
}

/** [B, T, heads·features] → [B, T, heads, features]; without a head count every feature is turned. */
function splitHeads(
  emit: Emitter,
  { x, cos, headCount }: { readonly x: string; readonly cos: string; readonly headCount: number },
): string {
  if (headCount > 0) return emit.reshapeTo(x, [0, 0, headCount, -1]);
  const features = emit.mul(emit.shape(cos, -1), emit.ints([2]));
  return emit.reshape(x, emit.concat([emit.ints([0, 0, -1]), features], 0));
}

/** RotaryEmbedding of ONNX Runtime: positions [B, T], or one [1] at which every row starts. */
export const microsoftRotary = microsoft('RotaryEmbedding', (composite) => {
  const { context, node, emit, inputs } = composite;
  const [x = '', positions = '', cosTable = '', sinTable = ''] = inputs;
  if (floatAttribute(node, 'scale', 1) !== 1) throw formUnsupported(node, 'scale other than 1');
  const axis = rankOf(context, x) === 3 ? 1 : 2;
  const at = rankOf(context, positions) === 2 ? positions : counted(emit, { x, start: positions, axis });
  const rows = (table: string): string => emit.node('Gather', [table, at]);
  return [turnHeads(composite, { x, cos: rows(cosTable), sin: rows(sinTable) })];
});

/** [1, T]: start, start + 1, … */
function counted(
  emit: Emitter,
  { x, start, axis }: { readonly x: string; readonly start: string; readonly axis: number },
): string {
  const steps = emit.squeeze(emit.shape(x, axis, axis + 1), [0]);
  const count = emit.node('Range', [emit.intScalar(0), steps, emit.intScalar(1)]);
  return emit.unsqueeze(emit.add(count, start), [0]);
}

/** RotaryEmbedding of ai.onnx: the tables are read at the positions, or come ready as [B, T, pairs]. */
export const onnxRotary = lowering({ opType: 'RotaryEmbedding', domain: '', first: 23 }, (composite) => {
  const { emit, inputs, input } = composite;
  const [x = '', cosTable = '', sinTable = ''] = inputs;
  const positions = input(3);
  const rows = (table: string): string =>
    positions === undefined ? table : emit.node('Gather', [table, positions]);
  return [turnHeads(composite, { x, cos: rows(cosTable), sin: rows(sinTable) })];
});
