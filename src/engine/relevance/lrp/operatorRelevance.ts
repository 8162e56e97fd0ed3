import { floatAttribute, intAttribute } from '../../../onnx/model.js';
import { emitterFor } from '../../gradients/emitter.js';
import type { GradientRule, InputCotangent, RuleContext } from '../../gradients/gradientRule.js';
import { axesFrom, normalAxis, rankOf, shapeIfKnown } from '../../gradients/staticShapes.js';
import { isElementwise } from '../deeplift/elementwise.js';
import { isExtreme } from '../deeplift/extremes.js';
import { isLinear } from '../deeplift/multiplierRules.js';

/** A node on the way, with the rule of its derivative. */
export interface RelevanceStep {
  readonly own: GradientRule;
  readonly context: RuleContext;
  /** Operands that depend on what is explained. */
  readonly varying: readonly number[];
  /** How much a value looks like a gate, which only opens or closes what it is multiplied with; 0: not at all. */
  gateStrength(value: string): number;
}

type StepRule = (step: RelevanceStep) => readonly InputCotangent[];

/**
 * Returns how an operator without a weight passes multipliers c on, relevance being value · c; undefined where there is
 * no rule and the gradient goes on in its place.
 */
export function operatorRelevance({ context, varying }: RelevanceStep): StepRule | undefined {
  const { node } = context;
  if (isLinear(node, varying)) return plain;
  if (isElementwise(node, varying)) return throughFunction;
  if (node.domain !== '') return undefined;
  if (isExtreme(node.opType)) return plain;
  return Object.hasOwn(rules, node.opType) ? rules[node.opType] : undefined;
}

/** Linear operators and extremes: the derivative's own rule hands on exactly what came. */
const plain: StepRule = ({ own, context }) => own.backward(context);

/** y = f(z): all of the relevance passes, c·f(z)/z, which is c·f′(0) at z = 0 where f(0) = 0. */
function throughFunction({ own, context }: RelevanceStep): readonly InputCotangent[] {
  const [g] = context.outputCotangents;
  const [z = ''] = context.node.inputs;
  const [y = ''] = context.node.outputs;
  if (g === undefined) return [];
  // Straight through 0: the derivative is f(z)/z.
  if (straight.has(context.node.opType)) return own.backward(context);
  const emit = emitterFor(context);
  const isAway = emit.greater(emit.node('Abs', [z]), emit.scalar(smallestValue));
  const ratio = emit.div(y, emit.where(isAway, z, emit.scalar(1)));
  const [slope] = own.backward(context);
  const near = typeof slope === 'string' ? slope : (slope?.value ?? g);
  return [{ value: emit.where(isAway, emit.mul(g, ratio), near), shape: shapeIfKnown(context, y) }];
}

const straight = new Set(['Relu', 'LeakyRelu', 'PRelu', 'Abs', 'ThresholdedRelu']);

/** Nearer to 0 than this, f(z)/z is taken from the slope. */
const smallestValue = 1e-6;

/** Half for each factor; all to the signal where the other one is (more of) a gate. */
function throughProduct(step: RelevanceStep): readonly InputCotangent[] {
  const { own, context, varying } = step;
  const [g] = context.outputCotangents;
  if (g === undefined) return [];
  const { inputs } = context.node;
  const strengths = varying.map((index) => step.gateStrength(inputs[index] ?? ''));
  const least = Math.min(...strengths);
  const takers = varying.filter((_, i) => strengths[i] === least);
  const emit = emitterFor(context);
  const share = emit.scale(g, 1 / takers.length);
  const parts = own.backward({ ...context, outputCotangents: [share] });
  return parts.map((part, index) => (takers.includes(index) ? part : undefined));
}

/** All to the numerator; to the denominator only where the numerator is fixed. */
function throughQuotient({ context, varying }: RelevanceStep): readonly InputCotangent[] {
  const [g] = context.outputCotangents;
  if (g === undefined) return [];
  const emit = emitterFor(context);
  const [, divisor = ''] = context.node.inputs;
  const [y = ''] = context.node.outputs;
  const shape = shapeIfKnown(context, y);
  const value = emit.div(g, divisor);
  if (varying.includes(0)) return [{ value, shape }];
  return [undefined, { value: emit.mul(value, y), shape }];
}

/** y = scale·(x − mean)/σ + bias with σ taken for a constant. */
function throughNormalization(isCentred: boolean): StepRule {
  return ({ context }) => {
    const [g] = context.outputCotangents;
    if (g === undefined) return [];
    const { node } = context;
    const emit = emitterFor(context);
    const [x = '', scale = ''] = node.inputs;
    const rank = rankOf(context, x);
    const isInstance = node.opType === 'InstanceNormalization';
    const first = isInstance ? 2 : normalAxis(intAttribute(node, 'axis', -1), rank);
    const axes = axesFrom(first, rank);
    const factor = isInstance ? emit.unsqueeze(scale, axesFrom(1, rank - 1)) : scale;
    const centre = (value: string): string => (isCentred ? emit.sub(value, emit.mean(value, axes)) : value);
    const variance = emit.mean(emit.square(centre(x)), axes);
    const epsilon = emit.scalar(floatAttribute(node, 'epsilon', 1e-5));
    const deviation = emit.node('Sqrt', [emit.add(variance, epsilon)]);
    return [centre(emit.div(emit.mul(g, factor), deviation))];
  };
}

const rules: Readonly<Record<string, StepRule>> = {
  Mul: throughProduct,
  MatMul: throughProduct,
  Gemm: throughProduct,
  Conv: throughProduct,
  Div: throughQuotient,
  LayerNormalization: throughNormalization(true),
  InstanceNormalization: throughNormalization(true),
  RMSNormalization: throughNormalization(false),
  SimplifiedLayerNormalization: throughNormalization(false),
  // x·s·(c − Σ s c): the derivative, which is the first-order share of each element.
  Softmax: plain,
};
