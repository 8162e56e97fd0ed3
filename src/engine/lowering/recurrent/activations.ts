import type { GraphNode } from '../../../onnx/model.js';
import type { Emitter } from '../../gradients/emitter.js';
import { formUnsupported } from '../../gradients/gradientErrors.js';
import { float } from '../entry.js';

/** Appends an activation of a recurrent cell. */
export type Activation = (emit: Emitter, x: string) => string;

interface ActivationForm {
  /** Values of the parameters that a model leaves out; those missing here are not taken. */
  readonly alpha?: number;
  readonly beta?: number;
  emit(emit: Emitter, x: string, parameters: { readonly alpha: number; readonly beta: number }): string;
}

const plain = (opType: string): ActivationForm => ({ emit: (emit, x) => emit.node(opType, [x]) });

/** Activations by their name in lower case: models differ in how they write them. */
const activations: Readonly<Record<string, ActivationForm>> = {
  relu: plain('Relu'),
  tanh: plain('Tanh'),
  sigmoid: plain('Sigmoid'),
  softsign: plain('Softsign'),
  softplus: plain('Softplus'),
  // Left out, these two are 0 for the runtime, whatever the operators of that name have.
  affine: {
    alpha: 0,
    beta: 0,
    emit: (emit, x, { alpha, beta }) => emit.add(emit.scale(x, alpha), emit.scalar(beta)),
  },
  leakyrelu: {
    alpha: 0.01,
    emit: (emit, x, { alpha }) => emit.node('LeakyRelu', [x], { alpha: float(alpha) }),
  },
  thresholdedrelu: {
    alpha: 1,
    emit: (emit, x, { alpha }) => emit.node('ThresholdedRelu', [x], { alpha: float(alpha) }),
  },
  scaledtanh: {
    alpha: 0,
    beta: 0,
    emit: (emit, x, { alpha, beta }) => emit.scale(emit.node('Tanh', [emit.scale(x, beta)]), alpha),
  },
  hardsigmoid: {
    alpha: 0.2,
    beta: 0.5,
    emit: (emit, x, { alpha, beta }) =>
      emit.node('HardSigmoid', [x], { alpha: float(alpha), beta: float(beta) }),
  },
  elu: { alpha: 1, emit: (emit, x, { alpha }) => emit.node('Elu', [x], { alpha: float(alpha) }) },
};

/**
 * Returns the activations of every direction of a recurrent node, `defaults.length` each.
 *
 * `activation_alpha` and `activation_beta` hold values for those activations that take one, in their order.
 *
 * @throws UserError `gradient-form-unsupported` for an activation that ONNX does not define.
 */
export function activationsOf(
  node: GraphNode,
  defaults: readonly string[],
  directionCount: number,
): readonly (readonly Activation[])[] {
  const given = node.attributes.get('activations');
  const names =
    given?.kind === 'strings' ? given.value : Array.from({ length: directionCount }, () => defaults).flat();
  const alphas = floatsOf(node, 'activation_alpha');
  const betas = floatsOf(node, 'activation_beta');
  const all = names.map((name): Activation => {
    const form = activations[name.toLowerCase()];
    if (form === undefined) throw formUnsupported(node, `the activation ${name}`);
    const alpha = form.alpha === undefined ? 0 : (alphas.shift() ?? form.alpha);
    const beta = form.beta === undefined ? 0 : (betas.shift() ?? form.beta);
    return (emit, x) => form.emit(emit, x, { alpha, beta });
  });
  return Array.from({ length: directionCount }, (_, i) =>
    all.slice(i * defaults.length, (i + 1) * defaults.length),
  );
}

function floatsOf(node: GraphNode, name: string): number[] {
  const attribute = node.attributes.get(name);
  return attribute?.kind === 'floats' ? [...attribute.value] : [];
}
