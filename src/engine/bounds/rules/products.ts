import { type Attribute, floatAttribute, intAttribute } from '../../../onnx/model.js';
import type { Emitter } from '../../gradients/emitter.js';
import { axesFrom } from '../../gradients/staticShapes.js';
import { boundUnsupported } from '../boundErrors.js';
import type { Interval, IntervalContext, IntervalRule } from '../intervalRule.js';

interface Ball {
  readonly centre: string;
  readonly radius: string;
}

function ballOf(emit: Emitter, { lower, upper }: Interval): Ball {
  return {
    centre: emit.scale(emit.add(lower, upper), 0.5),
    radius: emit.scale(emit.sub(upper, lower), 0.5),
  };
}

function around(emit: Emitter, centre: string, radius: string): Interval {
  return { lower: emit.sub(centre, radius), upper: emit.add(centre, radius) };
}

function absolute(emit: Emitter, value: string): string {
  return emit.node('Abs', [value]);
}

type Product = (a: string, b: string) => string;

/** |a·b − ac·bc| ≤ |ac|·br + ar·|bc| + ar·br for any bilinear product; exact where one factor is known. */
function bilinear(context: IntervalContext, product: Product, centreProduct: Product = product): Interval {
  const { emit, operands } = context;
  const [a, b] = operands;
  if (a === undefined || b === undefined) throw boundUnsupported(context.node, 'a missing operand');
  if (context.isExact(1)) {
    const { centre, radius } = ballOf(emit, a);
    return around(emit, centreProduct(centre, b.lower), product(radius, absolute(emit, b.lower)));
  }
  if (context.isExact(0)) {
    const { centre, radius } = ballOf(emit, b);
    return around(emit, centreProduct(a.lower, centre), product(absolute(emit, a.lower), radius));
  }
  const [left, right] = [ballOf(emit, a), ballOf(emit, b)];
  const spread = emit.add(
    product(absolute(emit, left.centre), right.radius),
    product(left.radius, emit.add(absolute(emit, right.centre), right.radius)),
  );
  return around(emit, centreProduct(left.centre, right.centre), spread);
}

/** Convolutions: the bias, which is known, belongs to the centre alone. */
const convolution: IntervalRule = {
  opTypes: ['Conv', 'ConvTranspose'],
  bound(context) {
    const { node, emit, operands, replay } = context;
    if (node.inputs[2] !== undefined && !context.isExact(2)) {
      throw boundUnsupported(node, 'a bias that is bounded');
    }
    const bias = operands[2] === undefined ? [] : [operands[2].lower];
    const attributes = Object.fromEntries(node.attributes);
    const product: Product = (x, w) => emit.builder.node(node.opType, [x, w], { attributes });
    return [bilinear(context, product, (x, w) => replay([x, w, ...bias])[0] ?? '')];
  },
};

const matMul: IntervalRule = {
  opTypes: ['MatMul'],
  bound: (context) => [bilinear(context, (a, b) => context.emit.node('MatMul', [a, b]))],
};

/** α·A′·B′ + β·C */
const gemm: IntervalRule = {
  opTypes: ['Gemm'],
  bound(context) {
    const { node, emit, operands } = context;
    const alpha = floatAttribute(node, 'alpha', 1);
    const beta = floatAttribute(node, 'beta', 1);
    const attributes = (factor: number): Readonly<Record<string, Attribute | number>> => ({
      alpha: { kind: 'float', value: factor },
      transA: intAttribute(node, 'transA', 0),
      transB: intAttribute(node, 'transB', 0),
    });
    const spread: Product = (a, b) => emit.node('Gemm', [a, b], attributes(Math.abs(alpha)));
    const product = bilinear(context, spread, (a, b) => emit.node('Gemm', [a, b], attributes(alpha)));
    const [, , c] = operands;
    if (c === undefined) return [product];
    const [low, high] = beta >= 0 ? [c.lower, c.upper] : [c.upper, c.lower];
    return [
      {
        lower: emit.add(product.lower, emit.scale(low, beta)),
        upper: emit.add(product.upper, emit.scale(high, beta)),
      },
    ];
  },
};

/** Products of ends hold every product; a square is never below 0. */
const multiplication: IntervalRule = {
  opTypes: ['Mul'],
  bound({ node, emit, operands: [a, b] }) {
    if (a === undefined || b === undefined) return [];
    const corners = new Set([a.lower, a.upper]);
    const others = new Set([b.lower, b.upper]);
    const products = [...corners].flatMap((x) => [...others].map((y) => emit.mul(x, y)));
    const upper = emit.node('Max', products);
    if (node.inputs[0] !== node.inputs[1]) return [{ lower: emit.node('Min', products), upper }];
    const nearest = emit.node('Min', [emit.node('Max', [emit.scalar(0), a.lower]), a.upper]);
    return [{ lower: emit.square(nearest), upper }];
  },
};

/** Quotients by what keeps its sign lie between those of the ends; by what may be 0 they are unbounded. */
const division: IntervalRule = {
  opTypes: ['Div'],
  bound(context) {
    const { emit, operands } = context;
    const [a, b] = operands;
    if (a === undefined || b === undefined) return [];
    const quotients = [...new Set([a.lower, a.upper])].flatMap((x) =>
      [...new Set([b.lower, b.upper])].map((y) => emit.div(x, y)),
    );
    const ends = { lower: emit.node('Min', quotients), upper: emit.node('Max', quotients) };
    if (context.isExact(1)) return [ends];
    return [unlessZeroInside(emit, b, ends)];
  },
};

const reciprocal: IntervalRule = {
  opTypes: ['Reciprocal'],
  bound({ emit, operands: [x], replay }) {
    if (x === undefined) return [];
    const [low = ''] = replay([x.upper]);
    const [high = ''] = replay([x.lower]);
    return [unlessZeroInside(emit, x, { lower: low, upper: high })];
  },
};

function unlessZeroInside(emit: Emitter, { lower, upper }: Interval, ends: Interval): Interval {
  const zero = emit.scalar(0);
  const keepsSign = emit.node('Or', [emit.greater(lower, zero), emit.less(upper, zero)]);
  return {
    lower: emit.where(keepsSign, ends.lower, emit.scalar(-Infinity)),
    upper: emit.where(keepsSign, ends.upper, emit.scalar(Infinity)),
  };
}

/** A trained BatchNormalization is x·slope + rest per channel. */
const batchNormalization: IntervalRule = {
  opTypes: ['BatchNormalization'],
  bound(context) {
    const { node, emit, operands, replay, typeOf } = context;
    const [x, scale, , , variance] = operands;
    const type = typeOf(node.inputs[0] ?? '');
    const isPlain =
      [1, 2, 3, 4].every((i) => context.isExact(i)) && intAttribute(node, 'training_mode', 0) === 0;
    if (x === undefined || !isPlain || type.kind !== 'tensor' || type.shape === null) {
      throw boundUnsupported(node, 'statistics or weights that are bounded');
    }
    const { centre, radius } = ballOf(emit, x);
    const shifted = emit.add(variance?.lower ?? '', emit.scalar(floatAttribute(node, 'epsilon', 1e-5)));
    const slope = emit.div(absolute(emit, scale?.lower ?? ''), emit.node('Sqrt', [shifted]));
    const perChannel = emit.unsqueeze(slope, axesFrom(1, type.shape.length - 1));
    const [at = ''] = replay([centre, ...operands.slice(1).map((operand) => operand.lower)]);
    return [around(emit, at, emit.mul(radius, perChannel))];
  },
};

/** Rules of products and quotients. */
export const productRules: readonly IntervalRule[] = [
  ...[convolution, matMul, gemm, multiplication, division, reciprocal, batchNormalization],
];
