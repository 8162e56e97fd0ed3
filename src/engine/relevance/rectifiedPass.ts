import type { Model } from '../../onnx/model.js';
import { toFloat64 } from '../../onnx/tensorValue.js';
import { differentiate } from '../gradients/differentiate.js';
import { emitterFor } from '../gradients/emitter.js';
import type { GradientRule, InputCotangent, RuleContext } from '../gradients/gradientRule.js';
import type { BackwardPass, BackwardRequest, BackwardResult } from './backwardPass.js';
import { interposed } from './interpose.js';
import { OperatorNames } from './operatorNames.js';

/** How a rectifier hands a gradient g on: guided passes max(g, 0) where it was active, deconvnet wherever it was. */
export type RectifierRule = 'guided' | 'deconvnet';

/** Activations that are no rectifiers: neither rule is defined for them. */
const otherActivations = new Set([
  ...['LeakyRelu', 'PRelu', 'Elu', 'Selu', 'Celu', 'Sigmoid', 'Tanh', 'Softplus', 'Softsign', 'HardSigmoid'],
  ...['HardSwish', 'Mish', 'Swish', 'Gelu', 'FastGelu', 'QuickGelu', 'BiasGelu', 'Erf', 'Softmax'],
]);

/**
 * Returns the backward pass that treats rectifiers (Relu, ThresholdedRelu, Clip from 0) by another rule, and all other
 * operators by their derivative; activations that are no rectifiers are named in `withoutRule`.
 */
export function rectifiedPass(kind: RectifierRule): BackwardPass {
  return { id: kind, append: (model, request) => appendRectified(kind, model, request) };
}

function appendRectified(kind: RectifierRule, model: Model, request: BackwardRequest): BackwardResult {
  const plain = new OperatorNames();
  const rules = interposed((own, context) => {
    if (isRectifier(context)) return throughRectifier(kind, own, context);
    if (otherActivations.has(context.node.opType)) plain.add(context.node);
    return own.backward(context);
  });
  const { model: extended, gradients } = differentiate(model, { ...request, rules });
  return { model: extended, scores: gradients, references: [], terms: [], withoutRule: plain.list };
}

function isRectifier(context: RuleContext): boolean {
  const { opType, domain, inputs } = context.node;
  if (domain !== '') return false;
  if (opType === 'Relu' || opType === 'ThresholdedRelu') return true;
  const low = opType === 'Clip' ? context.constantOf(inputs[1] ?? '') : undefined;
  return low !== undefined && toFloat64(low)[0] === 0;
}

function throughRectifier(
  kind: RectifierRule,
  own: GradientRule,
  context: RuleContext,
): readonly InputCotangent[] {
  const [g] = context.outputCotangents;
  if (g === undefined) return [];
  const emit = emitterFor(context);
  const positive = emit.node('Relu', [g]);
  if (kind === 'deconvnet') return [positive];
  return own.backward({ ...context, outputCotangents: [positive] });
}
