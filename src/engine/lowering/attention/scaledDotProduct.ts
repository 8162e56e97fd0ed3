import type { Emitter } from '../../gradients/emitter.js';

/** Operands of attention: q [B, heads, T, w], k [B, heads, S, w], v [B, heads, S, u], or with groups of heads. */
export interface AttentionOperands {
  readonly q: string;
  readonly k: string;
  readonly v: string;
  /** How many axes q and k have. */
  readonly rank: number;
  /** Factor of the scores; a value where it is known at run time only. */
  readonly scale: number | string;
  /** Values added to the scores after the cap, shaped to broadcast against [B, heads, T, S]. */
  readonly biases: readonly string[];
  /** Scores are pressed into ±cap by a tanh; 0 for none. */
  readonly cap?: number;
  /** A score of an extra key whose value is zero, shaped to broadcast against [B, heads, T, 1]. */
  readonly sink?: string;
}

/** Appends softmax(scale·q·kᵀ + biases)·v. */
export function emitAttention(emit: Emitter, operands: AttentionOperands): string {
  const { q, k, v, rank, scale, biases, cap = 0, sink } = operands;
  const axes = Array.from({ length: rank }, (_, axis) => axis);
  axes.push(...axes.splice(-2).reverse());
  const raw = emit.node('MatMul', [q, emit.transpose(k, axes)]);
  const scaled = typeof scale === 'number' ? emit.scale(raw, scale) : emit.mul(raw, scale);
  const capped = cap === 0 ? scaled : emit.scale(emit.node('Tanh', [emit.scale(scaled, 1 / cap)]), cap);
  const scores = biases.reduce((sum, bias) => emit.add(sum, bias), capped);
  const weights =
    sink === undefined ? emit.node('Softmax', [scores], { axis: -1 }) : withSink(emit, scores, sink);
  return emit.node('MatMul', [weights, v]);
}

/** Softmax over the scores and one more, whose share is left out. */
function withSink(emit: Emitter, scores: string, sink: string): string {
  const one = emit.node('Slice', [scores, emit.ints([0]), emit.ints([1]), emit.ints([-1])]);
  const extra = emit.node('Expand', [sink, emit.shape(one)]);
  const all = emit.node('Softmax', [emit.concat([scores, extra], -1)], { axis: -1 });
  return emit.node('Slice', [all, emit.ints([0]), emit.ints([-1]), emit.ints([-1])]);
}

/** [B, T, heads·w] → [B, heads, T, w] */
export function emitHeads(emit: Emitter, x: string, headCount: number): string {
  return emit.transpose(emit.reshapeTo(x, [0, 0, headCount, -1]), [0, 2, 1, 3]);
}

/** [B, heads, T, w] → [B, T, heads·w] */
export function emitMergedHeads(emit: Emitter, x: string): string {
  return emit.reshapeTo(emit.transpose(x, [0, 2, 1, 3]), [0, 0, -1]);
}

/** Appends 0 where the condition holds and `value` elsewhere, to be added to scores. */
export function emitMaskBias(emit: Emitter, isKept: string, value: number): string {
  return emit.where(isKept, emit.scalar(0), emit.scalar(value));
}

/** Appends 0, 1, …, n − 1 for a size n of shape [1]. */
export function emitCount(emit: Emitter, size: string): string {
  return emit.node('Range', [emit.intScalar(0), emit.squeeze(size, [0]), emit.intScalar(1)]);
}

/** Appends, for T queries that end where S keys end, whether a key is not after its query: [T, S]. */
export function emitCausal(emit: Emitter, queryCount: string, keyCount: string): string {
  const rows = emit.unsqueeze(emitCount(emit, queryCount), [1]);
  const last = emit.add(rows, emit.sub(keyCount, queryCount));
  return emit.node('LessOrEqual', [emit.unsqueeze(emitCount(emit, keyCount), [0]), last]);
}

/** Large enough to leave a masked key no share, small enough for every float type. */
export const maskedScore = -6e4;
