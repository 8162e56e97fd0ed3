import type { GraphBuilder } from '../graph/graphBuilder.js';

// Priors on an input that is being optimised: what images look like whatever the model is. Values are [N, …], results [N].

/**
 * Appends mean |z|^α over the elements of each row: large values cost more the larger α is.
 *
 * Source: Mahendran & Vedaldi (2015), "Understanding Deep Image Representations by Inverting Them",
 * https://arxiv.org/abs/1412.0035. Differs: a mean and not a sum, so that its weight does not depend on the size.
 */
export function appendAlphaNorm(
  builder: GraphBuilder,
  value: string,
  { alpha, rank }: { readonly alpha: number; readonly rank: number },
): string {
  const powers = builder.node('Pow', [builder.node('Abs', [value]), builder.scalar(alpha)]);
  return rowMean(builder, powers, rank);
}

/** Added under the root where β < 2, whose slope at 0 has no bound. */
export const variationFloor = 1e-6;

/**
 * Appends the mean over elements of (Σ_axes (z[next along the axis] − z)²)^(β/2), differences across the border being 0:
 * steps between neighbours cost, so that what is not determined turns out smooth; β < 2 keeps edges. Where β < 2, 10⁻⁶ is added
 * to the sum.
 *
 * Source: Mahendran & Vedaldi (2015), as `appendAlphaNorm`. Differs: a mean and not a sum.
 */
export function appendTotalVariation(
  builder: GraphBuilder,
  value: string,
  { beta, rank, axes }: { readonly beta: number; readonly rank: number; readonly axes: readonly number[] },
): string {
  const squares = axes.map((axis) => {
    const difference = appendForwardDifference(builder, value, { axis, rank });
    return builder.node('Mul', [difference, difference]);
  });
  const [first, ...rest] = squares;
  if (first === undefined) throw new Error('Total variation needs an axis of positions.');
  let sum = rest.reduce((total, square) => builder.node('Add', [total, square]), first);
  if (beta < 2) sum = builder.node('Add', [sum, builder.scalar(variationFloor)]);
  const powers = beta === 2 ? sum : builder.node('Pow', [sum, builder.scalar(beta / 2)]);
  return rowMean(builder, powers, rank);
}

/** z[next] − z along an axis, 0 at its end. */
function appendForwardDifference(
  builder: GraphBuilder,
  value: string,
  { axis, rank }: { readonly axis: number; readonly rank: number },
): string {
  const slice = (start: number, end: number): string =>
    builder.node('Slice', [value, ...[[start], [end], [axis]].map((each) => builder.int64s(each))]);
  const difference = builder.node('Sub', [slice(1, 2 ** 31 - 1), slice(0, -1)]);
  const pads = Array.from({ length: 2 * rank }, (_, at) => (at === rank + axis ? 1 : 0));
  return builder.node('Pad', [difference, builder.int64s(pads)]);
}

function rowMean(builder: GraphBuilder, value: string, rank: number): string {
  const axes = Array.from({ length: rank - 1 }, (_, axis) => axis + 1);
  return axes.length === 0 ? value : builder.reduce('ReduceMean', value, axes, false);
}
