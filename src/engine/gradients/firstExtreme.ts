import type { Emitter } from './emitter.js';
import { axesFrom } from './staticShapes.js';

/** A reduction to extremes: operand x, cotangent g with the reduced axes kept as 1. */
export interface ExtremeOperands {
  readonly x: string;
  readonly g: string;
  /** Reduced axes, ascending. */
  readonly axes: readonly number[];
  readonly rank: number;
}

/** Appends the cotangent of an extreme over axes: all to the first one in row-major order. */
export function emitFirstExtreme(
  emit: Emitter,
  opType: 'ArgMax' | 'ArgMin',
  { x, g, axes, rank }: ExtremeOperands,
): string {
  if (axes.length === 0) return g;
  const kept = axesFrom(0, rank).filter((axis) => !axes.includes(axis));
  const perm = [...kept, ...axes];
  const last = emit.transpose(x, perm);
  // The reduced axes as one: [kept …, −1]; the kept sizes are copied by 0.
  const merged = emit.reshapeTo(last, [...kept.map(() => 0), -1]);
  const winner = emit.node(opType, [merged], { axis: kept.length, keepdims: 1, select_last_index: 0 });
  const update = emit.reshapeTo(emit.transpose(g, perm), [...kept.map(() => 0), 1]);
  const spread = emit.node('ScatterElements', [emit.zeros(emit.shape(merged)), winner, update], {
    axis: kept.length,
  });
  const inverse = axesFrom(0, rank).map((axis) => perm.indexOf(axis));
  return emit.transpose(emit.reshapeLike(spread, last), inverse);
}
