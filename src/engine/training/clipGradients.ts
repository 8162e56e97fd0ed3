import type { GraphBuilder } from '../graph/graphBuilder.js';

/** How gradients are kept small; elements are clipped first when both are set. */
export interface GradientClip {
  /** Every element is clipped to −value … value. */
  readonly value?: number;
  /** All gradients together are scaled down to this Euclidean norm when theirs is larger. */
  readonly norm?: number;
}

/** Gradients after clipping. */
export interface ClippedGradients {
  readonly gradients: ReadonlyMap<string, string>;
  /** Name of the scalar norm of all gradients together, before they were scaled; absent where no norm was set. */
  readonly norm?: string;
}

/** Keeps the quotient finite where every gradient is 0. */
const normFloor = 1e-6;

/**
 * Appends the clipping of gradients by parameter name: g·min(1, c/(‖g‖ + 1e-6)) over all of them.
 *
 * Source: Pascanu, Mikolov & Bengio (2013), "On the difficulty of training recurrent neural networks", algorithm 1,
 * https://arxiv.org/abs/1211.5063
 */
export function appendClipping(
  builder: GraphBuilder,
  gradients: ReadonlyMap<string, string>,
  { value, norm: limit }: GradientClip,
): ClippedGradients {
  const bounded = value === undefined ? gradients : mapValues(gradients, appendBound(builder, value));
  if (limit === undefined) return { gradients: bounded };
  const squares = [...bounded.values()].map((gradient) =>
    builder.node('ReduceSumSquare', [gradient], { attributes: { keepdims: 0 } }),
  );
  const norm = builder.node('Sqrt', [builder.node('Sum', squares)]);
  const quotient = builder.node('Div', [
    builder.scalar(limit),
    builder.node('Add', [norm, builder.scalar(normFloor)]),
  ]);
  const factor = builder.node('Min', [quotient, builder.scalar(1)]);
  const scale = (gradient: string): string => builder.node('Mul', [gradient, factor]);
  return { gradients: mapValues(bounded, scale), norm };
}

function appendBound(builder: GraphBuilder, value: number): (gradient: string) => string {
  const low = builder.scalar(-value);
  const high = builder.scalar(value);
  return (gradient) => builder.node('Clip', [gradient, low, high]);
}

function mapValues(
  map: ReadonlyMap<string, string>,
  change: (value: string) => string,
): ReadonlyMap<string, string> {
  return new Map([...map].map(([name, value]) => [name, change(value)] as const));
}
