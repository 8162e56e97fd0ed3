import { GraphBuilder } from '../../src/engine/graph/graphBuilder.js';
import type { Model } from '../../src/onnx/model.js';
import { float32Tensor, int64Tensor } from '../../src/onnx/tensorValue.js';
import { emptyModel, floatType } from './modelBuilder.js';

// Models of functions that are known beforehand, written down operator by operator.

/** Returns column `column` of x `[N, F]` as `[N, 1]`. */
function columnOf(builder: GraphBuilder, x: string, column: number): string {
  return builder.node('Gather', [x, builder.constant(int64Tensor([column], [1]))], {
    attributes: { axis: 1 },
  });
}

/** Returns `y` [N, 1] = (2 x₁ where x₀ > ½, else −x₁) + (1 where x₂ ≥ 0, else 0), of three columns. */
export function piecewiseModel(): Model {
  const builder = new GraphBuilder(emptyModel());
  const x = builder.addInput('x', floatType('N', 3));
  const [a, b, c] = [0, 1, 2].map((column) => columnOf(builder, x, column)) as [string, string, string];
  const isRight = builder.node('Greater', [a, builder.scalar(0.5)]);
  const sloped = builder.node('Where', [
    isRight,
    builder.node('Mul', [b, builder.scalar(2)]),
    builder.node('Neg', [b]),
  ]);
  const isUp = builder.node('GreaterOrEqual', [c, builder.scalar(0)]);
  const step = builder.node('Where', [isUp, builder.scalar(1), builder.scalar(0)]);
  builder.addOutput(builder.node('Add', [sloped, step], { outputs: ['y'] }), floatType('N', 1));
  return builder.build();
}

/** A term of a polynomial: a coefficient times the product of columns. */
export type Term = readonly [coefficient: number, ...columns: number[]];

/** Returns `y` [N, 1], the sum of products of columns of `x` [N, F]. */
export function polynomialModel(featureCount: number, terms: readonly Term[]): Model {
  const builder = new GraphBuilder(emptyModel());
  const x = builder.addInput('x', floatType('N', featureCount));
  const parts = terms.map(([coefficient, ...columns]) =>
    columns.reduce(
      (product, column) => builder.node('Mul', [product, columnOf(builder, x, column)]),
      builder.constant(float32Tensor([coefficient], [1, 1])),
    ),
  );
  const sum = parts.reduce((total, part) => builder.node('Add', [total, part]));
  builder.addOutput(builder.node('Identity', [sum], { outputs: ['y'] }), floatType('N', 1));
  return builder.build();
}

/**
 * Returns an in-context model: `scores` [N, Q, 2] = mean over training rows of the class, weighted by softmax(2 q · x).
 *
 * Inputs `x_train` [N, T, 2], `y_train` [N, T, 2] one-hot, `x_query` [N, Q, 2]; with `seesQueries` each answer has the mean of all queries added.
 */
export function inContextModel({ seesQueries = false } = {}): Model {
  const builder = new GraphBuilder(emptyModel());
  const rows = builder.addInput('x_train', floatType('N', 'T', 2));
  const classes = builder.addInput('y_train', floatType('N', 'T', 2));
  const queries = builder.addInput('x_query', floatType('N', 'Q', 2));
  const turned = builder.node('Transpose', [rows], { attributes: { perm: [0, 2, 1] } });
  const similar = builder.node('Mul', [builder.node('MatMul', [queries, turned]), builder.scalar(2)]);
  const weights = builder.node('Softmax', [similar], { attributes: { axis: -1 } });
  const answers = builder.node('MatMul', [weights, classes]);
  const shared = builder.reduce('ReduceMean', queries, [1], true);
  const scores = seesQueries ? builder.node('Add', [answers, shared]) : answers;
  builder.addOutput(builder.node('Identity', [scores], { outputs: ['scores'] }), floatType('N', 'Q', 2));
  return builder.build();
}

/** A channel with ad-stock: what is left of an effect a step later, and what a unit of it brings. */
export interface AdstockChannel {
  readonly carryOver: number;
  readonly weight: number;
}

/**
 * Returns `sales` [N, T] = 10 + Σ weight · Σ_l carryOver^l · spend[t − l] of `spend` [N, C, T], with tanh of each channel's
 * stock where `saturates`.
 */
export function adstockModel(channels: readonly AdstockChannel[], saturates: boolean, stepCount = 40): Model {
  const builder = new GraphBuilder(emptyModel());
  const spend = builder.addInput('spend', floatType('N', channels.length, stepCount));
  const kernel = channels.flatMap(({ carryOver }) =>
    Array.from({ length: stepCount }, (_, i) => carryOver ** (stepCount - 1 - i)),
  );
  const weight = builder.constant(float32Tensor(kernel, [channels.length, 1, stepCount]), 'adstock.weight');
  const stock = builder.node('Conv', [spend, weight], {
    attributes: { kernel_shape: [stepCount], pads: [stepCount - 1, 0], group: channels.length },
  });
  const effect = saturates ? builder.node('Tanh', [stock]) : stock;
  const weights = builder.constant(
    float32Tensor(
      channels.map((channel) => channel.weight),
      [channels.length, 1],
    ),
  );
  const sum = builder.reduce('ReduceSum', builder.node('Mul', [effect, weights]), [1], false);
  builder.addOutput(
    builder.node('Add', [sum, builder.scalar(10)], { outputs: ['sales'] }),
    floatType('N', stepCount),
  );
  return builder.build();
}
