import { intAttribute, intsAttribute } from '../../../onnx/model.js';
import { windowGeometry } from '../convGeometry.js';
import { type Emitter, emitterFor } from '../emitter.js';
import { emitWindowSpread } from '../emitWindowSpread.js';
import { emitFirstExtreme } from '../firstExtreme.js';
import { type GradientRule, latestOpset, type RuleContext } from '../gradientRule.js';
import { axesFrom, rankOf } from '../staticShapes.js';

interface Pooled {
  readonly emit: Emitter;
  readonly context: RuleContext;
  readonly x: string;
  readonly y: string;
  readonly g: string;
}

function pool(opType: string, derive: (operands: Pooled) => string): GradientRule {
  return {
    opType,
    domain: '',
    opsets: [2, latestOpset],
    backward(context) {
      const [g] = context.outputCotangents;
      const [x = ''] = context.node.inputs;
      const [y = ''] = context.node.outputs;
      return g === undefined ? [] : [derive({ emit: emitterFor(context), context, x, y, g })];
    },
  };
}

/** Gradient of GlobalAveragePool: g shared out evenly. */
export const globalAveragePoolRule = pool('GlobalAveragePool', ({ emit, x, y, g }) => {
  const count = (value: string): string => emit.castTo(emit.node('Size', [value]), emit.elementType);
  return emit.expandLike(emit.div(g, emit.div(count(x), count(y))), x);
});

/** Gradient of GlobalMaxPool: g to the first maximum of each channel. */
export const globalMaxPoolRule = pool('GlobalMaxPool', ({ emit, context, x, g }) => {
  const rank = rankOf(context, x);
  return emitFirstExtreme(emit, 'ArgMax', { x, g, axes: axesFrom(2, rank), rank });
});

/** Gradient of GlobalLpPool. */
export const globalLpPoolRule = pool('GlobalLpPool', (operands) => {
  const { emit, context, x, g } = operands;
  const p = intAttribute(context.node, 'p', 2);
  return emit.mul(powerSlope(emit, x, p), emit.mul(g, normSlope(operands, p)));
});

/** Gradient of LpPool: the windows' norms, each spread over its window. */
export const lpPoolRule = pool('LpPool', (operands) => {
  const { emit, context, x, y, g } = operands;
  const p = intAttribute(context.node, 'p', 2);
  const sides = { wide: x, narrow: y };
  const geometry = windowGeometry(context, intsAttribute(context.node, 'kernel_shape') ?? [], sides);
  const weighted = emit.mul(g, normSlope(operands, p));
  return emit.mul(powerSlope(emit, x, p), emitWindowSpread(context, emit, { g: weighted, geometry, sides }));
});

/** sign(x)·|x|ᵖ⁻¹ of y = (Σ|x|ᵖ)^(1/p), whose derivative is that times y^(1−p). */
function powerSlope(emit: Emitter, x: string, p: number): string {
  if (p === 2) return x;
  const sign = emit.node('Sign', [x]);
  return p === 1 ? sign : emit.mul(sign, emit.node('Pow', [emit.node('Abs', [x]), emit.scalar(p - 1)]));
}

/** y^(1−p); 0 at the origin, where the norm has a corner. */
function normSlope({ emit, y }: Pooled, p: number): string {
  const isOrigin = emit.node('Equal', [y, emit.scalar(0)]);
  const safe = emit.where(isOrigin, emit.scalar(1), y);
  return emit.where(isOrigin, emit.scalar(0), emit.node('Pow', [safe, emit.scalar(1 - p)]));
}
