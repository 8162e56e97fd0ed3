import type { Emitter } from './emitter.js';
import { ValueNotes } from './valueNotes.js';

/** A product Y = A·B, the cotangent g of Y, and what it hands to A: g·Bᵀ. */
interface LeftCotangent {
  readonly a: string;
  readonly y: string;
  readonly g: string;
}

const products = new ValueNotes<LeftCotangent>();

/** Notes that a value is the cotangent g·Bᵀ which a product Y = A·B with rows narrower than A's hands to A. */
export function noteLeftCotangent(emit: Emitter, value: string, product: LeftCotangent): void {
  products.set(emit.builder, value, product);
}

/**
 * Appends the sums over the last axis, which stays as 1, of a value times its cotangent.
 *
 * Where the cotangent is a product's g·Bᵀ they are those of g × Y, Σₖ (Σⱼ gⱼ·Bₖⱼ)·Aₖ = Σⱼ gⱼ·Σₖ Aₖ·Bₖⱼ: in attention a
 * head's few columns instead of its weights, one for every two tokens.
 */
export function emitRowSums(emit: Emitter, a: string, cotangent: string): string {
  const behind = products.of(emit.builder, cotangent);
  const terms = behind?.a === a ? emit.mul(behind.g, behind.y) : emit.mul(cotangent, a);
  return emit.sum(terms, [-1], true);
}
