import { floatAttribute, type GraphNode, intAttribute, qualifiedOperator } from '../model.js';
import type { ActivationFamily } from './activationFamilies.js';
import { type Constant, scalarOf } from './constants.js';

const rectifier: ActivationFamily = { kind: 'rectifier', isNonNegative: true };
const smooth: ActivationFamily = { kind: 'smooth-rectifier' };
const leaky: ActivationFamily = { kind: 'leaky' };
const sigmoid: ActivationFamily = { kind: 'bounded', low: 0, high: 1 };
const tanh: ActivationFamily = { kind: 'bounded', low: -1, high: 1 };

/** λ of SELU as ONNX defaults it (`gamma`). */
const seluGamma = 1.0507009873554805;
/** α of SELU as ONNX defaults it. */
const seluAlpha = 1.6732632423543772;

type FamilyOf = (node: GraphNode, constants: ReadonlyMap<string, Constant>) => ActivationFamily | undefined;

/** Activation operators with their family; undefined when this use of the operator is no activation. */
const activationOperators: Readonly<Record<string, FamilyOf>> = {
  Relu: () => rectifier,
  ThresholdedRelu: (node) => ({ kind: 'rectifier', isNonNegative: floatAttribute(node, 'alpha', 1) >= 0 }),
  Clip: clipFamily,
  LeakyRelu: () => leaky,
  PRelu: () => leaky,
  Elu: (node) => ({ kind: 'exponential', low: -floatAttribute(node, 'alpha', 1) }),
  Celu: (node) => ({ kind: 'exponential', low: -floatAttribute(node, 'alpha', 1) }),
  Selu: (node) => ({
    kind: 'exponential',
    low: -floatAttribute(node, 'alpha', seluAlpha) * floatAttribute(node, 'gamma', seluGamma),
  }),
  Sigmoid: () => sigmoid,
  HardSigmoid: () => sigmoid,
  Tanh: () => tanh,
  Softsign: () => tanh,
  Softplus: () => smooth,
  Gelu: () => smooth,
  Mish: () => smooth,
  HardSwish: () => smooth,
  Swish: () => smooth,
  'com.microsoft:Gelu': () => smooth,
  'com.microsoft:FastGelu': () => smooth,
  'com.microsoft:BiasGelu': () => smooth,
  'com.microsoft:QuickGelu': () => smooth,
  'com.microsoft:QLinearSigmoid': () => sigmoid,
  'com.microsoft:QLinearLeakyRelu': () => leaky,
};

/** Clip at 0 is ReLU-like (ReLU6, ReLU1); between a negative and a positive bound it saturates like Tanh. */
function clipFamily(node: GraphNode, constants: ReadonlyMap<string, Constant>): ActivationFamily | undefined {
  const { low, high } = clipBounds(node, constants);
  if (low === 0 && (high === undefined || high > 0)) return rectifier;
  if (low === undefined || high === undefined || low >= 0 || high <= 0) return undefined;
  return Number.isFinite(high - low) && high < 1e30 ? { kind: 'bounded', low, high } : undefined;
}

/** Returns the bounds of a Clip as far as they are constants. */
export function clipBounds(
  node: GraphNode,
  constants: ReadonlyMap<string, Constant>,
): { readonly low: number | undefined; readonly high: number | undefined } {
  return {
    low: boundOf(node, constants, { operand: 1, attribute: 'min' }),
    high: boundOf(node, constants, { operand: 2, attribute: 'max' }),
  };
}

function boundOf(
  node: GraphNode,
  constants: ReadonlyMap<string, Constant>,
  place: { readonly operand: number; readonly attribute: string },
): number | undefined {
  const attribute = node.attributes.get(place.attribute);
  if (attribute?.kind === 'float') return attribute.value;
  const input = node.inputs[place.operand];
  return input === undefined || input === '' ? undefined : scalarOf(constants.get(input));
}

/** Returns the family of an activation operator; undefined when the node is no activation. */
export function activationFamilyOf(
  node: GraphNode,
  constants: ReadonlyMap<string, Constant>,
): ActivationFamily | undefined {
  if (constants.has(node.inputs[0] ?? '')) return undefined;
  return activationOperators[qualifiedOperator(node)]?.(node, constants);
}

/** Families of activations that exporters write as several operators, by the name they go by. */
export const compositeFamilies: Readonly<Record<string, ActivationFamily>> = {
  Silu: smooth,
  QuickGelu: smooth,
  Gelu: smooth,
  Mish: smooth,
  HardSwish: smooth,
  HardSigmoid: sigmoid,
};

/** Returns the activation that a fused operator ends with (`com.microsoft:FusedConv`), or undefined. */
export function fusedActivationOf(node: GraphNode): string | undefined {
  const attribute = node.attributes.get('activation');
  if (node.domain !== 'com.microsoft' || attribute?.kind !== 'string') return undefined;
  return intAttribute(node, 'hidden_size', 0) > 0 ? undefined : attribute.value;
}
